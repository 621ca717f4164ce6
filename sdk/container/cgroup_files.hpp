// SPDX-License-Identifier: Apache-2.0
// What the two versions of control groups share: small files, directories that are busy for a
// moment. Internal to sdk/container. No state.
#pragma once

#include "sdk/container/cgroup.hpp"

#include <string>
#include <vector>

namespace davit::sdk {

Result<std::unique_ptr<Cgroups>> open_cgroups_v1(const std::string& parent);
Result<std::unique_ptr<Cgroups>> open_cgroups_v2(const std::string& parent);

namespace cgroup {

inline constexpr const char* kMountPoint = "/sys/fs/cgroup";
inline constexpr std::size_t kMaxFile = 1u << 20;  // cgroup.procs of 100 000 processes
inline constexpr int kPatience = 100;              // pauses: a killed process leaves within moments
void pause();                                      // 10 ms

// Paths are relative to `directory`, a hierarchy.
Result<void> write_file(int directory, const std::string& path, const std::string& value);
Result<void> make_group(int directory, const std::string& path);  // one that exists is fine
// Takes the groups below it along. Waits while the kernel takes down the last process; absent is
// OK. Errors: busy.
Result<void> remove_group(int directory, const std::string& path);
Result<std::vector<std::string>> groups_in(int directory, const std::string& path);
// Adds what runs in this one group, not below it.
Result<void> add_processes(int directory, const std::string& path, std::vector<pid_t>& pids);

}  // namespace cgroup
}  // namespace davit::sdk
