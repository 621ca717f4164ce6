// SPDX-License-Identifier: Apache-2.0
// The options of the `local` driver, as mount(8) means them: what is mounted in place of a volume's
// directory. No state.
#pragma once

#include "core/volume/volume.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace davit::volume {

struct FileSystem {
    std::string type;    // "tmpfs", "ext4", "nfs"; empty for a bind
    std::string device;  // what the type wants there: a block device, host:/path, …
    std::vector<std::pair<std::string, std::optional<std::string>>>
        settings;                  // key, or key and value
    std::uint64_t attributes = 0;  // MOUNT_ATTR_…
    bool bind = false;             // `device` is a directory of the host
    bool recursive = false;        // rbind

    bool lives_in_memory() const { return !bind && (type == "tmpfs" || type == "ramfs"); }
};

// Nothing: the volume is a plain directory. Errors: invalid in docker's words.
Result<std::optional<FileSystem>> read_options(const Pairs& options);

// For a network file system, the number of `addr`, when that is a name, or is missing and stands in
// front of the device. Errors: unavailable when a name cannot be resolved.
Result<void> resolve_address(FileSystem& file_system);

}  // namespace davit::volume
