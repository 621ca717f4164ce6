// SPDX-License-Identifier: Apache-2.0
// Reads a container's json-file log, and follows it. The launcher writes it; this side only reads.
// No state; each call is for one reader.
#pragma once

#include "sdk/base/cancel.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace davit::container {

struct LogRequest {
    bool out = true, err = true, follow = false, timestamps = false;
    std::optional<std::uint64_t> tail;        // the last lines only
    std::int64_t since_ns = 0, until_ns = 0;  // 0: no limit
    // Where to end: so many bytes into the file of that inode number. For who is attached and gets
    // from there on what the program writes.
    struct End {
        std::uint64_t file = 0, offset = 0;
    };
    std::optional<End> end = {};
    std::string details = {};  // put before every line, behind its time; empty: nothing
};

struct LogSource {
    int directory = -1;  // the container's; holds <name> and rotated <name>.1, <name>.2, …
    std::string name;
    std::function<bool()> ended;  // true once nothing more will be written
};

// stream 1 is stdout, 2 stderr.
using LogSink = std::function<Result<void>(std::uint32_t stream, std::string_view bytes)>;

Result<void> read_log(const LogSource& source, const LogRequest& request, Cancel& cancel,
                      const LogSink& sink);

}  // namespace davit::container
