// SPDX-License-Identifier: Apache-2.0
// From a checked configuration to the launcher's block. No state.
#pragma once

#include "drivers/exec/native/config.hpp"
#include "drivers/exec/native/spec_writer.hpp"

#include "davit/exec.h"

#include <span>

namespace davit::native {

// What comes from elsewhere than config.json. Descriptors are borrowed until the block was sent.
struct LaunchContext {
    std::string boot_id;
    std::string group;
    int state_directory = -1;
    const sdk::Entrance* launchers = nullptr;  // to the control group of launchers
    const sdk::Entrance* entrance = nullptr;   // to the container's
    std::string seccomp;                       // compiled; empty: none
    std::uint32_t output_flags = 0;            // DAVIT_EXEC_TTY, …
    std::string log_path;
    std::uint64_t log_max_bytes = 0;
    std::uint32_t log_max_files = 0;
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
};

struct ContainerContext {
    int root = -1;
    int network = -1;  // namespace; -1: as the configuration says
    int memory_events = -1;
    std::span<const std::int32_t> mounts;
    std::vector<std::pair<int, int>> joins;  // descriptor, CLONE_NEW…
    std::vector<sdk::GroupDirectory> groups;
};

// Errors: invalid when descriptors and mounts do not fit.
Result<Spec> encode_container(SpecWriter& writer, const ContainerConfig& config,
                              const LaunchContext& launch, const ContainerContext& container);
struct SessionContext {
    int target = -1;     // pidfd of the container's first process
    int namespaces = 0;  // those of it that are not the host's
    std::vector<sdk::IdRange> user_map;
};
Spec encode_session(SpecWriter& writer, const ProcessConfig& process, const LaunchContext& launch,
                    const SessionContext& session);

}  // namespace davit::native
