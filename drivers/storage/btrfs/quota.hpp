// SPDX-License-Identifier: Apache-2.0
// Limits of layers, by btrfs's simple quotas (Linux 6.7): an extent counts for the subvolume that
// wrote it. A layer's limit is that of a group of its own, which subvolumes made inside the layer
// join by themselves; with the older quotas they would be outside of it, and nothing would be
// enforced against a program that makes one. Used by the parts of this driver. Thread-safe.
//
// A layer's group is 55831/<id of its subvolume>: this level is ours, people use small ones.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace davit::btrfs {

// Why no limit can be enforced in the file system of `fd`; empty: simple quotas are on. Errors: of
// the kernel.
Result<std::string> why_no_quota(int fd);
// Switches simple quotas on; what is there already counts for nobody. They being on is OK. Errors:
// unsupported by this kernel, or because the older quotas are on.
Result<void> enable_quota(int fd);

// Data and metadata that the new subvolume, and subvolumes made inside it, may hold together.
Result<void> limit_subvolume(int subvolume, std::uint64_t bytes);

// Ids of the subvolumes that groups of ours were made for, those that are gone included.
Result<std::vector<std::uint64_t>> limited_subvolumes(int fd);
// Removes the groups of subvolumes that are gone, as far as the kernel lets them go: not while it
// still deletes what they hold.
Result<void> remove_stale_limits(int fd);

}  // namespace davit::btrfs
