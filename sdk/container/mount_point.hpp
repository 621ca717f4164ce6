// SPDX-License-Identifier: Apache-2.0
// Finds or makes the place of a mount inside a root that may be hostile (rules ): the
// walk goes descriptor by descriptor, follows links as a process inside would, and can never leave
// the root. Used by the launcher.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <string>

namespace davit::sdk {

enum class PointKind { directory, file };

// An O_PATH descriptor of `path` below `root`; what is missing is made: directories 0755, a last
// file empty, 0644, owned by the caller. Errors: invalid when the path is of the other kind or has
// more than 40 links.
Result<Fd> make_mount_point(int root, const std::string& path, PointKind kind);

}  // namespace davit::sdk
