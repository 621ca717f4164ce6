// SPDX-License-Identifier: Apache-2.0
// Writes to a borrowed descriptor of any kind and never waits longer than a call lives. Used by
// fetch.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/plugin/entry.hpp"

#include <cstdint>
#include <string_view>

namespace davit::oci {

class Sink {
public:
    // `fd` is borrowed; its own flags stay as they are.
    static Result<Sink> open(int fd);
    // Errors: invalid when the other side is gone or the file cannot be written; no_space;
    // cancelled.
    Result<void> write(const sdk::Call& call, std::string_view bytes);
    std::uint64_t written() const { return written_; }

private:
    enum class Kind { file, pipe, socket };
    Sink(int fd, Kind kind, Fd own) : fd_(fd), kind_(kind), own_(std::move(own)) {}
    ssize_t write_some(std::string_view bytes) const;

    int fd_;
    Kind kind_;
    Fd own_;  // pipe: a second description of the same pipe, which does not block
    std::uint64_t written_ = 0;
};

}  // namespace davit::oci
