// SPDX-License-Identifier: Apache-2.0
// Writes files of this machine as a tar archive (ustar, with PAX headers where that is too narrow).
#pragma once

#include "sdk/base/result.hpp"

#include <sys/stat.h>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace davit::cli {

class TarWriter {
public:
    explicit TarWriter(int to) : to_(to) {}

    // `name` in the open directory, with all below it, as `shown`. Sockets are left out, what
    // vanishes meanwhile too.
    Result<void> add_tree(int directory, const std::string& name, const std::string& shown);
    Result<void> finish();
    std::uint64_t bytes() const { return bytes_; }  // written so far

private:
    Result<void> add_file(int directory, const std::string& name, const std::string& shown);
    Result<void> add_inside(int directory, const std::string& name, const std::string& shown);
    Result<void> header(char type, const std::string& shown, const struct stat& status,
                        const std::string& link);
    Result<void> block(char type, const std::string& name, const struct stat& status,
                       std::uint64_t size, const std::string& link);
    Result<void> write(std::string_view bytes);
    Result<void> pad(std::uint64_t size);

    int to_;
    std::uint64_t bytes_ = 0;
    std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files of several names, by the first
};

}  // namespace davit::cli
