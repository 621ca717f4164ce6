// SPDX-License-Identifier: Apache-2.0
// Which devices may be used in a control group of version 2. There are no files for that: a small
// eBPF program, attached to the group, answers each attempt. Rules have the meaning that version
// 1's devices.allow and devices.deny give them, one after the other, beginning with everything
// allowed. Used by cgroup_v2.cpp. DeviceFilters is thread-safe.
#pragma once

#include "sdk/container/cgroup.hpp"

#include <linux/bpf.h>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <vector>

namespace davit::sdk {

// What a list of rules comes down to.
struct DevicePolicy {
    struct Exception {
        std::uint32_t type = 0;              // BPF_DEVCG_DEV_…
        std::optional<std::uint32_t> major;  // nothing: every one
        std::optional<std::uint32_t> minor;
        std::uint32_t access = 0;  // BPF_DEVCG_ACC_…
    };
    bool allow = true;                  // what no exception speaks of
    std::vector<Exception> exceptions;  // the opposite holds for these
};

// Errors: invalid type, number or access.
Result<DevicePolicy> device_policy(std::span<const DeviceRule> rules);

// A program for BPF_PROG_TYPE_CGROUP_DEVICE that returns 1 for what the policy allows, else 0.
std::vector<bpf_insn> device_program(const DevicePolicy& policy);

class DeviceFilters {
public:
    // Makes `policy` the only one of the group, whose directory is open for reading. While an old
    // one is replaced, both hold. Errors: unsupported where the kernel or the caller's rights do
    // not allow it.
    Result<void> apply(int group, const DevicePolicy& policy);

private:
    Result<int> load(const DevicePolicy& policy);  // borrowed from programs_

    std::mutex mutex_;  // guards programs_
    // Loading takes twenty times as long as attaching, and nearly all containers have one policy.
    std::map<std::vector<std::uint64_t>, Fd> programs_;
};

}  // namespace davit::sdk
