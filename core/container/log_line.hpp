// SPDX-License-Identifier: Apache-2.0
// One line of a json-file log:
// {"log":"text\n","stream":"stdout","time":"2026-11-21T09:00:00.123456789Z"}.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit::container {

struct LogLine {
    std::string text;       // with its newline, unless it is a part of a longer line
    std::uint32_t stream;   // 1 stdout, 2 stderr
    std::string_view time;  // RFC 3339, as written; borrowed from the line
};

// Nothing for a line that is damaged, as after a power loss: a reader goes on with the next one.
std::optional<LogLine> parse_log_line(std::string_view line);
// Nanoseconds since 1970 of an RFC 3339 time; nothing if it is none.
std::optional<std::int64_t> parse_time(std::string_view text);
// "2026-11-21T09:00:00.123456789Z".
std::string format_time(std::int64_t ns);

}  // namespace davit::container
