// SPDX-License-Identifier: Apache-2.0
// What differs between two trees of files: mounts of any storage driver. They are read by
// descriptors, name by name, and no link is followed; programs may go on writing in them meanwhile.
#pragma once

#include "sdk/base/cancel.hpp"
#include "sdk/base/result.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::image {

enum class ChangeKind { modified = 0, added = 1, deleted = 2 };  // the API's numbers
struct Change {
    std::string path;  // "etc/hosts"
    ChangeKind kind = ChangeKind::modified;
};

// From `before` (-1: nothing at all) to `after`: parents before what they hold, names in order. A
// directory counts as modified when something in it has changed. `skip`: what was added there as an
// empty file or directory is none of the container's doing.
using SkipEmpty = std::function<bool(const std::string& path)>;
Result<std::vector<Change>> tree_diff(int before, int after, const Cancel& cancel,
                                      const SkipEmpty& skip = nullptr);

}  // namespace davit::image
