// SPDX-License-Identifier: Apache-2.0
// The steps that lock a process of the engine up before it reads what strangers wrote: a root of
// its own, no network, few capabilities, limits, few system calls. Each changes the calling process
// for good, so they belong into single-threaded executables. Used by davit-unpack.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace davit::sdk {

// New mount, network, IPC and UTS namespaces; the detached mount becomes the root and current
// directory, everything else is unmounted. Needs CAP_SYS_ADMIN. `mount` stays open: close it
// afterwards.
Result<void> enter_detached_root(int mount);

// Keeps exactly these capabilities (CAP_CHOWN, …), permitted and effective; the bounding set is
// emptied, the inheritable and ambient ones too, and no program executed later can gain any.
Result<void> keep_capabilities(std::span<const int> capabilities);

struct JailLimits {
    std::uint64_t memory = 0;      // bytes of address space; 0: as it is
    std::uint64_t file_bytes = 0;  // of one file; 0: as it is
    std::uint64_t processor_seconds = 0;
    std::uint64_t descriptors = 0;
};
// Sets the limits, and no core dump.
Result<void> limit_process(const JailLimits& limits);

enum class FileAccess {
    none,
    read,
    change
};  // change: read, write, make and remove, but execute nothing
// Landlock, where the kernel has it (5.19 and newer, since older ones forbid hard links between
// directories): this access below the root directory, and no TCP. Answers whether it is in force.
Result<bool> restrict_files(FileAccess access);

// From here on only these system calls are answered; any other one kills the process. Names the
// kernel lacks are passed over.
Result<void> allow_system_calls(std::span<const char* const> names);

}  // namespace davit::sdk
