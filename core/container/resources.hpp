// SPDX-License-Identifier: Apache-2.0
// A container's limits: as HostConfig and the body of an update name them, and as an OCI
// specification does. Values and functions without state.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::container {

// Of one block device of the host.
struct DeviceLimit {
    std::string path;
    std::uint64_t value = 0;  // bytes or operations a second, or a weight
};

// Zero or empty: no limit, the kernel's own value.
struct Resources {
    std::int64_t memory = 0, memory_swap = 0, memory_reservation = 0, nano_cpus = 0;
    std::int64_t cpu_shares = 0, cpu_period = 0, cpu_quota = 0, pids_limit = 0;
    std::int64_t cpu_rt_period = 0, cpu_rt_runtime = 0, block_weight = 0;
    std::string cpuset_cpus, cpuset_mems;
    std::optional<std::int64_t> swappiness;
    std::vector<DeviceLimit> device_weights, read_bps, write_bps, read_iops, write_iops;
    bool oom_kill_disable = false;
};

// Reads the members of HostConfig. Errors: invalid, in docker's words.
Result<Resources> read_resources(const boost::json::object& host);

// Puts the limits that a body of POST /containers/{id}/update names over those of `host`. Errors:
// invalid, in docker's words; unsupported for a member that cannot be changed.
Result<void> overlay_resources(boost::json::object& host, const boost::json::object& update);

// linux.resources of an OCI config.json, without devices. Errors: invalid when a path is no block
// device.
Result<boost::json::object> resources_spec(const Resources& resources);

}  // namespace davit::container
