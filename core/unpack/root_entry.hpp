// SPDX-License-Identifier: Apache-2.0
// How an archiver gets into the files that it works on: afterwards "/" of this process is the
// container's, and nothing of the host can be reached by any path (rule R-41).
#pragma once

#include "core/unpack/order.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <string>
#include <vector>

namespace davit::unpack {

struct AttachedMount {
    std::string target;
    Fd mount;
};

// Mounts are attached in their order, below a root of kind `mount` only; a missing mount point is
// made. Errors: not_found when the process has ended.
Result<void> enter_root(RootKind kind, Fd root, std::vector<AttachedMount> mounts);

}  // namespace davit::unpack
