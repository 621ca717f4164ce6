// SPDX-License-Identifier: Apache-2.0
// A container's root as its specification describes it. In the launcher's child, inside its new
// namespaces.
#pragma once

#include "drivers/exec/native/launch/package.hpp"
#include "sdk/container/rootfs.hpp"

namespace davit::native {

// Attaches the root, mounts everything, makes devices and links.
Result<sdk::Root> furnish_root(const Package& package);
// What comes after the terminal: masked and read-only paths, the root itself read-only.
Result<void> close_root(const Package& package, sdk::Root& root);

}  // namespace davit::native
