// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/cgroup_v2_settings.hpp"

#include <algorithm>

namespace davit::sdk::cgroup {

namespace {

constexpr const char* kUnlimited = "max";

std::string or_unlimited(std::int64_t value) {
    return value < 0 ? kUnlimited : std::to_string(value);
}

Error no_such_limit(const char* what) {
    return fail(Code::unsupported, "limit ", what, ": control groups version 2 cannot");
}

// Version 1 counts memory and swap together, version 2 swap by itself.
Result<std::string> swap_limit(const Resources& limits, const ReadSetting& now) {
    const std::int64_t both = *limits.memory_and_swap;
    if (both < 0) return std::string(kUnlimited);
    std::int64_t memory = limits.memory.value_or(0);
    if (!limits.memory) {
        const std::string present = TRY(now("memory.max"));
        memory = present.starts_with(kUnlimited) ? -1 : std::strtoll(present.c_str(), nullptr, 10);
    }
    if (memory < 0) return fail(Code::invalid, "limit memory and swap: memory itself has no limit");
    if (both < memory)
        return fail(Code::invalid, "limit memory and swap: it is below the limit of memory");
    return std::to_string(both - memory);
}

Result<void> add_memory(const Resources& limits, const ReadSetting& now,
                        std::vector<Setting>& list) {
    if (limits.memory_and_swap) list.push_back({"memory.swap.max", TRY(swap_limit(limits, now))});
    if (limits.memory) list.push_back({"memory.max", or_unlimited(*limits.memory)});
    if (limits.memory_reservation)
        list.push_back({"memory.low", or_unlimited(*limits.memory_reservation)});
    if (limits.swappiness) return no_such_limit("swappiness");
    if (limits.disable_oom_killer.value_or(false)) return no_such_limit("the OOM killer");
    return {};
}

// cpu.max is "QUOTA PERIOD"; QUOTA alone leaves the period as it is.
Result<void> add_processor(const Resources& limits, const ReadSetting& now,
                           std::vector<Setting>& list) {
    if (limits.cpu_realtime_runtime.value_or(0) != 0 || limits.cpu_realtime_period.value_or(0) != 0)
        return no_such_limit("real-time processor time");
    if (limits.cpu_shares.value_or(0) != 0)
        list.push_back({"cpu.weight", std::to_string(cpu_weight(*limits.cpu_shares))});
    const std::int64_t quota = limits.cpu_quota.value_or(0);
    const bool period = limits.cpu_period.value_or(0) != 0;
    if (limits.cpu_quota || period) {
        std::string value = quota > 0 ? std::to_string(quota) : kUnlimited;
        if (!limits.cpu_quota) {
            const std::string present = TRY(now("cpu.max"));
            value = present.substr(0, present.find_first_of(" \n"));
        }
        if (period) value += " " + std::to_string(*limits.cpu_period);
        list.push_back({"cpu.max", std::move(value)});
    }
    if (limits.cpus) list.push_back({"cpuset.cpus", *limits.cpus});
    if (limits.memory_nodes) list.push_back({"cpuset.mems", *limits.memory_nodes});
    return {};
}

void add_throttles(const std::vector<Throttle>& throttles, const char* key,
                   std::vector<Setting>& list) {
    for (const Throttle& one : throttles)
        list.push_back({"io.max", std::to_string(one.major) + ":" + std::to_string(one.minor) +
                                      " " + key + "=" +
                                      (one.rate == 0 ? kUnlimited : std::to_string(one.rate))});
}

}  // namespace

std::uint64_t cpu_weight(std::uint64_t shares) {
    const std::uint64_t bounded = std::clamp<std::uint64_t>(shares, 2, 262'144);
    return 1 + (bounded - 2) * 9'999 / 262'142;
}

std::uint64_t io_weight(std::uint64_t block_weight) {
    const std::uint64_t bounded = std::clamp<std::uint64_t>(block_weight, 10, 1'000);
    return 1 + (bounded - 10) * 9'999 / 990;
}

Result<std::vector<Setting>> settings_of(const Resources& limits, const ReadSetting& now) {
    std::vector<Setting> list;
    TRY(add_memory(limits, now, list));
    TRY(add_processor(limits, now, list));
    // Zero and below mean no limit.
    if (limits.pids)
        list.push_back({"pids.max", *limits.pids > 0 ? std::to_string(*limits.pids) : kUnlimited});
    add_throttles(limits.read_bytes, "rbps", list);
    add_throttles(limits.write_bytes, "wbps", list);
    add_throttles(limits.read_operations, "riops", list);
    add_throttles(limits.write_operations, "wiops", list);
    return list;
}

}  // namespace davit::sdk::cgroup
