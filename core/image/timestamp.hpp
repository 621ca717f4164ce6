// SPDX-License-Identifier: Apache-2.0
// Points in time as image documents and the API write them (RFC 3339). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit::image {

// Nanoseconds since 1970 of "2024-05-01T10:00:00.123456789Z" or with an offset; nothing for any
// other text.
std::optional<std::int64_t> parse_time(std::string_view text);
// What filters call a moment: RFC 3339, seconds since 1970 ("1700000000.5"), or a time before `now`
// as Go writes durations ("1h30m").
std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now);
// "2024-05-01T10:00:00.123456789Z".
std::string format_time(std::int64_t nanoseconds);
std::int64_t now();

}  // namespace davit::image
