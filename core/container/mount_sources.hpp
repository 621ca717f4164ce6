// SPDX-License-Identifier: Apache-2.0
// A container's binds and volumes as detached mounts. Each source is opened once and cloned as it
// lies there: a later swap of the path changes nothing (rule R-07). No state.
#pragma once

#include "core/container/mounts.hpp"
#include "core/volume/volumes.hpp"
#include "sdk/base/fd.hpp"

namespace davit::container {

// Not for a tmpfs, which exec drivers make. Errors: invalid for a bind whose source is missing.
Result<Fd> open_mount(const Mount& mount, volume::Volumes& volumes);

// Parents before what lies in them, whatever order they were asked in.
std::vector<const Mount*> in_order(const std::vector<Mount>& mounts);

}  // namespace davit::container
