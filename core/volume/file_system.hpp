// SPDX-License-Identifier: Apache-2.0
// Mounts what a volume's options ask for, detached: never in the host's mount namespace.
#pragma once

#include "core/volume/local_options.hpp"
#include "sdk/base/mount.hpp"

namespace davit::volume {

// Errors: not_found for a device that is not there; what the kernel says, with its own words.
Result<DetachedMount> mount_file_system(FileSystem file_system);

}  // namespace davit::volume
