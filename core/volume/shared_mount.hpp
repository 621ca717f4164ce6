// SPDX-License-Identifier: Apache-2.0
// A file system that lives in memory ends with its last mount, and a detached mount cannot be
// cloned on every kernel. So a second container gets it from where it is attached: the mount
// namespace of one that runs.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/mount.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>

namespace davit::volume {

// A clone of the mount that `process` (a pidfd) sees at `path`, if it is of file system `device`
// (st_dev): what a container puts there itself is not taken. Errors: not_found.
Result<DetachedMount> clone_from_process(int process, const std::string& path,
                                         std::uint64_t device);

}  // namespace davit::volume
