// SPDX-License-Identifier: Apache-2.0
// What both versions have in common: which one a host has, and the devices of every container.
#include "sdk/container/cgroup_files.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

namespace davit::sdk {

std::vector<DeviceRule> usual_device_rules() {
    // Making any node is harmless, opening it is what counts; then null, zero, full, tty, random,
    // urandom, console, the terminals of a devpts and its ptmx.
    std::vector<DeviceRule> rules{{true, 'c', {}, {}, "m"}, {true, 'b', {}, {}, "m"}};
    for (const std::int64_t minor : {3, 5, 7, 8, 9}) rules.push_back({true, 'c', 1, minor, "rwm"});
    for (const std::int64_t minor : {0, 1, 2}) rules.push_back({true, 'c', 5, minor, "rwm"});
    rules.push_back({true, 'c', 136, {}, "rwm"});
    return rules;
}

// A hybrid host has a tmpfs there with the hierarchies of version 1 below it; the version 2 tree
// beside them has no controller that could limit anything.
Result<std::unique_ptr<Cgroups>> Cgroups::open(const std::string& parent) {
    struct statfs system {};
    const bool unified = ::statfs(cgroup::kMountPoint, &system) == 0 &&
                         static_cast<long>(system.f_type) == CGROUP2_SUPER_MAGIC;
    return unified ? open_cgroups_v2(parent) : open_cgroups_v1(parent);
}

}  // namespace davit::sdk
