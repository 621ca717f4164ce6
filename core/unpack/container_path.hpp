// SPDX-License-Identifier: Apache-2.0
// A path as `docker cp` means it, resolved in the tree at the process's root directory: links on
// the way are followed, the last component is not, unless "/" or "/." ends the path: then it must
// be a directory. One thread.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <sys/stat.h>
#include <string>
#include <string_view>

namespace davit::unpack {

struct FoundPath {
    Fd parent;
    std::string name;  // in `parent`; "." when the path is a directory's by its end
    struct stat status {};
};
// Errors: not_found; invalid (ENOTDIR).
Result<FoundPath> find_path(std::string_view path);

// Where `path` leads when every link is followed, as far as it exists; absolute, without links.
// Errors: invalid after more than 40 links.
Result<std::string> resolved_name(std::string_view path);

}  // namespace davit::unpack
