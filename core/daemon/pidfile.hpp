// SPDX-License-Identifier: Apache-2.0
// The file that tells others this daemon's process id. Removed when the owner ends.
#pragma once

#include "sdk/base/result.hpp"

#include <string>

namespace davit::daemon {

class PidFile {
public:
    // `exists` when the file names a process that lives; a stale file is replaced.
    static Result<PidFile> create(const std::string& path);
    ~PidFile();
    PidFile(PidFile&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    PidFile& operator=(PidFile&&) = delete;

private:
    explicit PidFile(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace davit::daemon
