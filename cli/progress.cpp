// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"

#include <algorithm>

namespace davit::cli {
namespace {

constexpr std::size_t kBar = 50;  // characters between the brackets, as docker's
constexpr std::size_t kShortestBar = 10;
constexpr std::size_t kAnyWidth = 200;  // of a terminal that does not tell

std::size_t columns_of(int fd) {
    if (!is_terminal(fd)) return 0;
    const auto size = terminal_size(fd);
    return size.columns > 0 ? size.columns : kAnyWidth;
}

}  // namespace

std::string progress_bar(std::int64_t current, std::int64_t total, std::size_t room) {
    auto numbers = human_size(static_cast<double>(current));
    if (numbers.size() < 8) numbers.insert(0, 8 - numbers.size(), ' ');
    if (total <= 0 || current > total) return numbers;
    numbers += "/" + human_size(static_cast<double>(total));
    const auto around = numbers.size() + 4;  // "[", ">", "] "
    if (room < around + kShortestBar) return numbers;
    const auto length = std::min(kBar, room - around);
    const auto done = static_cast<std::size_t>(
        static_cast<double>(current) / static_cast<double>(total) * static_cast<double>(length));
    return "[" + std::string(done, '=') + ">" + std::string(length - done, ' ') + "] " + numbers;
}

Progress::Progress(int fd) : fd_(fd), columns_(columns_of(fd)) {}

std::string Progress::text_of(const boost::json::object& line) const {
    const auto id = view::string(line, "id");
    std::string text = id.empty() ? "" : std::string(id) + ": ";
    text += view::string(line, "status");
    const auto& detail = view::object(line, "progressDetail");
    const auto current = view::number(detail, "current"), total = view::number(detail, "total");
    if (columns_ == 0 || (current <= 0 && total <= 0)) return text;
    text += " ";
    return text + progress_bar(current, total, columns_ > text.size() ? columns_ - text.size() : 0);
}

Result<void> Progress::show(const boost::json::object& line) {
    const auto id = view::string(line, "id");
    const bool moving = view::number(view::object(line, "progressDetail"), "current") > 0;
    if (columns_ == 0) return moving ? Result<void>() : write_all(fd_, text_of(line) + "\n");
    if (id.empty()) {
        ids_.clear();  // what follows stands below this line
        return write_all(fd_, text_of(line) + "\n");
    }
    const auto found = std::find(ids_.begin(), ids_.end(), id);
    const auto up = static_cast<std::size_t>(ids_.end() - found);
    if (up == 0) {
        ids_.emplace_back(id);
        return write_all(fd_, text_of(line) + "\n");
    }
    // Up to the layer's line, clear it, write it, and back down to the end.
    const auto count = std::to_string(up);
    return write_all(fd_, "\x1b[" + count + "A\x1b[2K\r" + text_of(line) + "\x1b[" + count + "B\r");
}

}  // namespace davit::cli
