// SPDX-License-Identifier: Apache-2.0
// Subvolumes: made, copied, sealed, deleted, measured. Everything by descriptor. Used by the parts
// of this driver. No state, thread-safe.
#pragma once

#include "davit/storage.h"
#include "sdk/base/result.hpp"
#include "sdk/plugin/entry.hpp"

#include <cstdint>
#include <string>

namespace davit::btrfs {

Result<void> create_subvolume(int directory, const std::string& name);
// A writable snapshot of `source`, with the files that it has now.
Result<void> snapshot_subvolume(int source, int directory, const std::string& name);
// With every subvolume inside: a container's programs may have made some. Its blocks are given back
// by the kernel in the background. Errors: not_found; invalid when it is no subvolume.
Result<void> delete_subvolume(int directory, const std::string& name);
bool is_subvolume(int directory);
Result<std::uint64_t> subvolume_id(int subvolume);

Result<bool> is_read_only(int subvolume);
Result<void> set_read_only(int subvolume, bool read_only);

// What the subvolume holds that its parent did not when the snapshot was taken: bytes allocated to
// data of its own, and the inodes that are new or have such data, the root included. Only what has
// been written to disk. Errors: cancelled.
Result<davit_storage_space> measure_changes(const sdk::Call& call, int subvolume);

}  // namespace davit::btrfs
