// SPDX-License-Identifier: Apache-2.0
// A pull's progress: on a terminal one line for each layer, redrawn in place with a bar; elsewhere
// a line for each step that is done. Used by pull.cpp.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/object.hpp>
#include <string>
#include <vector>

namespace davit::cli {

// "[=====>    ]  1.2MB/3MB" in at most `room` characters; only the numbers when the bar has no
// room.
std::string progress_bar(std::int64_t current, std::int64_t total, std::size_t room);

class Progress {
public:
    explicit Progress(int fd);
    // For tests: as if on a terminal of so many columns; 0: no terminal.
    Progress(int fd, std::size_t columns) : fd_(fd), columns_(columns) {}
    // One object of the daemon's stream: {"id", "status", "progressDetail": {"current", "total"}}.
    Result<void> show(const boost::json::object& line);

private:
    std::string text_of(const boost::json::object& line) const;

    int fd_;
    std::size_t columns_;
    std::vector<std::string> ids_;  // in the order of their lines
};

}  // namespace davit::cli
