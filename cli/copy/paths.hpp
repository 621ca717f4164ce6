// SPDX-License-Identifier: Apache-2.0
// The paths of cp, as docker reads them. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace davit::cli {

// "CONTAINER:PATH", or a path of this machine: what begins with "/" or "." is one.
struct CopyEnd {
    std::string container;  // empty: this machine
    std::string path;
};
CopyEnd parse_copy_end(std::string_view text);

struct SplitPath {
    std::string directory, base;
};
// "/a/b/" is "b" in "/a"; "/a/." is "." in "/a".
SplitPath split_path(std::string path);

bool ends_as_directory(std::string_view path);  // in "/" or "/."
bool means_content(std::string_view path);      // "." or ".../."

// `name` with `from` at its beginning replaced by `to`, without slashes at its ends. "/" stands in
// front of everything.
std::string rebased(std::string_view name, std::string_view from, const std::string& to);

}  // namespace davit::cli
