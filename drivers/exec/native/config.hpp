// SPDX-License-Identifier: Apache-2.0
// The parts of an OCI config.json that this driver carries out, checked. What it does not know how
// to carry out is refused by name, never passed over. No state.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/container/capabilities.hpp"
#include "sdk/container/cgroup.hpp"
#include "sdk/container/namespaces.hpp"
#include "sdk/container/rlimits.hpp"
#include "sdk/container/rootfs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::native {

struct ProcessConfig {
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    std::string cwd = "/";
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    std::uint32_t umask = 022;
    sdk::CapabilitySets capabilities;
    std::vector<sdk::Rlimit> rlimits;
    bool no_new_privileges = false;
    std::int32_t oom_score_adj = 0;
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
};

struct MountConfig {
    std::string destination;
    std::string type;  // "bind" too where only the options say so
    std::vector<std::string> parameters;
    std::uint64_t set = 0, clear = 0, set_tree = 0, clear_tree = 0;  // MOUNT_ATTR_…
    std::uint64_t propagation = 0;
};

struct JoinConfig {
    std::string path;
    int kind = 0;  // CLONE_NEW…
};

struct ContainerConfig {
    ProcessConfig process;
    std::vector<MountConfig> mounts;
    bool root_read_only = false;
    std::uint64_t root_propagation = 0;
    std::string host_name;
    std::string domain_name;
    int namespaces = 0;  // CLONE_NEW… to make
    std::vector<JoinConfig> joins;
    std::vector<sdk::IdRange> user_map, group_map;
    std::vector<sdk::DeviceNode> devices;
    std::vector<std::pair<std::string, std::string>> sysctls;  // "net.ipv4.ip_forward" → value
    std::vector<std::string> masked, read_only;
    sdk::Resources resources;
    bool init = false;            // annotation davit.init
    bool default_policy = false;  // annotation davit.seccomp = default
    std::string seccomp;          // linux.seccomp as JSON; empty: none
};

// Errors: invalid, or unsupported with the member's name.
Result<ContainerConfig> parse_config(std::string_view json);
Result<ProcessConfig> parse_process(std::string_view json);
Result<sdk::Resources> parse_resources(std::string_view json);

}  // namespace davit::native
