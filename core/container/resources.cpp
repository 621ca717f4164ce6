// SPDX-License-Identifier: Apache-2.0
#include "core/container/resources.hpp"

#include "core/container/create_fields.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr std::int64_t kMinimumMemory =
    6 << 20;  // Docker's: below it the program cannot even be executed
constexpr std::int64_t kSchedulerPeriod = 100'000;  // µs: CFS's own default
constexpr std::int64_t kLeastQuota = 1'000;         // µs: the kernel's
constexpr std::int64_t kLeastWeight = 10, kMostWeight = 1000;

constexpr std::array<std::string_view, 19> kChangeable = {"Memory",
                                                          "MemorySwap",
                                                          "MemoryReservation",
                                                          "NanoCpus",
                                                          "CpuShares",
                                                          "CpuPeriod",
                                                          "CpuQuota",
                                                          "PidsLimit",
                                                          "CpusetCpus",
                                                          "CpusetMems",
                                                          "BlkioWeight",
                                                          "CpuRealtimePeriod",
                                                          "CpuRealtimeRuntime",
                                                          "BlkioWeightDevice",
                                                          "BlkioDeviceReadBps",
                                                          "BlkioDeviceWriteBps",
                                                          "BlkioDeviceReadIOps",
                                                          "BlkioDeviceWriteIOps",
                                                          "MemorySwappiness"};
// Understood and of no effect, as with docker on this kernel.
constexpr std::array<std::string_view, 3> kPassedOver = {"KernelMemory", "KernelMemoryTCP",
                                                         "RestartPolicy"};

Error invalid(std::string_view what) { return fail(Code::invalid, what); }

Result<std::vector<DeviceLimit>> read_device_limits(const bj::object& host, std::string_view name,
                                                    std::string_view member) {
    std::vector<DeviceLimit> limits;
    const auto* list = TRY(json::get_array(host, name));
    if (list == nullptr) return limits;
    for (const bj::value& value : *list) {
        if (!value.is_object())
            return fail(Code::invalid, "HostConfig.", name, ": expected objects");
        const std::int64_t number = TRY(json::get_int(value.get_object(), member, 0));
        if (number < 0) return fail(Code::invalid, "HostConfig.", name, ": must not be negative");
        limits.push_back({.path = TRY(json::require_string(value.get_object(), "Path")),
                          .value = static_cast<std::uint64_t>(number)});
    }
    return limits;
}

Result<void> check_memory(const Resources& resources) {
    if (resources.memory != 0 && resources.memory < kMinimumMemory)
        return invalid("Minimum memory limit allowed is 6MB");
    if (resources.memory == 0 && resources.memory_swap > 0)
        return invalid(
            "You should always set the Memory limit when using the Memory-swap limit, see usage");
    if (resources.memory_swap > 0 && resources.memory_swap < resources.memory)
        return invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
    if (resources.memory > 0 && resources.memory_reservation > resources.memory)
        return invalid(
            "Minimum memory limit can not be less than memory reservation limit, see usage");
    if (resources.swappiness && (*resources.swappiness < 0 || *resources.swappiness > 100))
        return fail(Code::invalid, "Invalid value: ", std::to_string(*resources.swappiness),
                    ", valid memory swappiness range is 0-100");
    return {};
}

Result<void> check_processor(const Resources& resources) {
    if (resources.nano_cpus < 0) return invalid("Range of CPUs is from 0.01 up");
    if (resources.nano_cpus > 0 && resources.cpu_period > 0)
        return invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set.");
    if (resources.nano_cpus > 0 && resources.cpu_quota > 0)
        return invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set.");
    if (resources.cpu_period != 0 &&
        (resources.cpu_period < 1000 || resources.cpu_period > 1000000))
        return invalid(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    if (resources.cpu_quota > 0 && resources.cpu_quota < kLeastQuota)
        return invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    if (resources.cpu_rt_runtime > resources.cpu_rt_period && resources.cpu_rt_period != 0)
        return invalid("cpu real-time runtime cannot be higher than cpu real-time period");
    return {};
}

Result<void> check_block(const Resources& resources) {
    const auto bad = [](std::int64_t weight) {
        return weight != 0 && (weight < kLeastWeight || weight > kMostWeight);
    };
    const bool bad_device = std::any_of(
        resources.device_weights.begin(), resources.device_weights.end(),
        [&](const DeviceLimit& one) { return bad(static_cast<std::int64_t>(one.value)); });
    if (bad(resources.block_weight) || bad_device)
        return invalid("Range of blkio weight is from 10 to 1000");
    return {};
}

Result<bj::object> device_entry(const DeviceLimit& limit, const char* member) {
    struct stat status {};
    if (::stat(limit.path.c_str(), &status) != 0) return os_error("limit device " + limit.path);
    if (!S_ISBLK(status.st_mode))
        return fail(Code::invalid, "limit device ", limit.path, ": it is no block device");
    return bj::object{{"major", ::gnu_dev_major(status.st_rdev)},
                      {"minor", ::gnu_dev_minor(status.st_rdev)},
                      {member, limit.value}};
}

Result<void> put_devices(bj::object& block, const char* name, const char* member,
                         const std::vector<DeviceLimit>& limits) {
    if (limits.empty()) return {};
    bj::array list;
    for (const DeviceLimit& limit : limits) list.push_back(TRY(device_entry(limit, member)));
    block[name] = std::move(list);
    return {};
}

bj::object memory_spec(const Resources& wanted) {
    bj::object memory;
    if (wanted.memory > 0) memory["limit"] = wanted.memory;
    if (wanted.memory_swap != 0) memory["swap"] = wanted.memory_swap;
    if (wanted.memory_reservation > 0) memory["reservation"] = wanted.memory_reservation;
    if (wanted.swappiness) memory["swappiness"] = *wanted.swappiness;
    if (wanted.oom_kill_disable) memory["disableOOMKiller"] = true;
    return memory;
}

bj::object processor_spec(const Resources& wanted) {
    bj::object cpu;
    if (wanted.nano_cpus > 0) {
        cpu["period"] = kSchedulerPeriod;
        cpu["quota"] = std::max(wanted.nano_cpus / (1'000'000'000 / kSchedulerPeriod), kLeastQuota);
    }
    if (wanted.cpu_period > 0) cpu["period"] = wanted.cpu_period;
    if (wanted.cpu_quota > 0) cpu["quota"] = wanted.cpu_quota;
    if (wanted.cpu_shares > 0) cpu["shares"] = wanted.cpu_shares;
    if (wanted.cpu_rt_period > 0) cpu["realtimePeriod"] = wanted.cpu_rt_period;
    if (wanted.cpu_rt_runtime > 0) cpu["realtimeRuntime"] = wanted.cpu_rt_runtime;
    if (!wanted.cpuset_cpus.empty()) cpu["cpus"] = wanted.cpuset_cpus;
    if (!wanted.cpuset_mems.empty()) cpu["mems"] = wanted.cpuset_mems;
    return cpu;
}

}  // namespace

Result<Resources> read_resources(const bj::object& host) {
    Resources resources;
    const struct {
        std::string_view key;
        std::int64_t& value;
    } numbers[] = {{"Memory", resources.memory},
                   {"MemorySwap", resources.memory_swap},
                   {"MemoryReservation", resources.memory_reservation},
                   {"NanoCpus", resources.nano_cpus},
                   {"CpuShares", resources.cpu_shares},
                   {"CpuPeriod", resources.cpu_period},
                   {"CpuQuota", resources.cpu_quota},
                   {"CpuRealtimePeriod", resources.cpu_rt_period},
                   {"CpuRealtimeRuntime", resources.cpu_rt_runtime},
                   {"BlkioWeight", resources.block_weight},
                   {"PidsLimit", resources.pids_limit}};
    for (const auto& number : numbers) number.value = TRY(json::get_int(host, number.key, 0));
    resources.cpuset_cpus = TRY(json::get_string(host, "CpusetCpus", ""));
    resources.cpuset_mems = TRY(json::get_string(host, "CpusetMems", ""));
    resources.oom_kill_disable = TRY(json::get_bool(host, "OomKillDisable", false));
    resources.swappiness = TRY(json::get_int(host, "MemorySwappiness"));
    if (resources.swappiness == -1) resources.swappiness.reset();
    resources.device_weights = TRY(read_device_limits(host, "BlkioWeightDevice", "Weight"));
    resources.read_bps = TRY(read_device_limits(host, "BlkioDeviceReadBps", "Rate"));
    resources.write_bps = TRY(read_device_limits(host, "BlkioDeviceWriteBps", "Rate"));
    resources.read_iops = TRY(read_device_limits(host, "BlkioDeviceReadIOps", "Rate"));
    resources.write_iops = TRY(read_device_limits(host, "BlkioDeviceWriteIOps", "Rate"));
    TRY(check_memory(resources));
    TRY(check_processor(resources));
    TRY(check_block(resources));
    return resources;
}

Result<void> overlay_resources(bj::object& host, const bj::object& update) {
    const auto number = [](const bj::object& object, std::string_view name) {
        return json::get_int(object, name, 0).value_or(0);
    };
    for (const auto& [key, value] : update) {
        const std::string_view name(key.data(), key.size());
        const auto is_name = [&](std::string_view known) { return known == name; };
        if (std::any_of(kPassedOver.begin(), kPassedOver.end(), is_name)) continue;
        // Nothing is said by what is empty, but for the limit of processes: 0 takes it away.
        if (says_nothing(value) && !(name == "PidsLimit" && !value.is_null())) continue;
        if (std::none_of(kChangeable.begin(), kChangeable.end(), is_name))
            return fail(Code::unsupported, "update container: ", name, " cannot be changed");
        host[key] = value;
    }
    const std::int64_t swap = number(host, "MemorySwap");
    if (number(update, "Memory") > 0 && number(update, "MemorySwap") == 0 && swap > 0 &&
        number(update, "Memory") > swap)
        return invalid(
            "Memory limit should be smaller than already set memoryswap limit, update the "
            "memoryswap at the same time");
    return {};
}

Result<bj::object> resources_spec(const Resources& wanted) {
    bj::object resources, block;
    if (auto memory = memory_spec(wanted); !memory.empty()) resources["memory"] = std::move(memory);
    if (auto cpu = processor_spec(wanted); !cpu.empty()) resources["cpu"] = std::move(cpu);
    if (wanted.pids_limit > 0) resources["pids"] = bj::object{{"limit", wanted.pids_limit}};
    if (wanted.block_weight > 0) block["weight"] = wanted.block_weight;
    TRY(put_devices(block, "weightDevice", "weight", wanted.device_weights));
    TRY(put_devices(block, "throttleReadBpsDevice", "rate", wanted.read_bps));
    TRY(put_devices(block, "throttleWriteBpsDevice", "rate", wanted.write_bps));
    TRY(put_devices(block, "throttleReadIOPSDevice", "rate", wanted.read_iops));
    TRY(put_devices(block, "throttleWriteIOPSDevice", "rate", wanted.write_iops));
    if (!block.empty()) resources["blockIO"] = std::move(block);
    return resources;
}

}  // namespace davit::container
