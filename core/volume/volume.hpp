// SPDX-License-Identifier: Apache-2.0
// A volume: files with a name, which outlive the containers that they are mounted in. Value.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace davit::volume {

using Pairs = std::map<std::string, std::string>;

inline constexpr const char* kLocalDriver = "local";  // Docker's name for "a directory here"

struct Volume {
    std::string name;
    std::int64_t created_ns = 0;
    bool anonymous = false;
    Pairs labels;
    Pairs options;  // type, device, o: something else is mounted in place of the directory
    std::uint64_t device = 0;  // st_dev of the file system last mounted for it; 0: its directory
};

// What a user asks for.
struct Wanted {
    std::string name;    // empty: an anonymous one
    std::string driver;  // empty: local
    Pairs labels;
    Pairs options;
};

// Where its files lie on the host; `root` is <data-root>/volumes.
inline std::string mountpoint(const std::string& root, const std::string& name) {
    return root + "/" + name + "/_data";
}

// Errors: invalid in docker's words.
Result<void> check_name(const std::string& name);

}  // namespace davit::volume
