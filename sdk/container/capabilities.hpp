// SPDX-License-Identifier: Apache-2.0
// Capability sets as the OCI runtime specification names them, and how a process takes them on
// (rule R-02: all five sets are always written). Used by the exec driver, its launcher and the
// unpacker. No state.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace davit::sdk {

// Bit n stands for capability n of <linux/capability.h>.
using CapabilityMask = std::uint64_t;

// "CAP_CHOWN" → 0. Nothing for names that this version does not know.
std::optional<unsigned> capability_number(std::string_view name);
// "CAP_CHOWN"; empty beyond the last.
std::string_view capability_name(unsigned number);
// What this kernel knows: /proc/sys/kernel/cap_last_cap as a mask.
CapabilityMask all_capabilities();
// What the calling thread may still get or hand on: its bounding set. Less than all inside another
// engine's container.
CapabilityMask held_capabilities();

struct CapabilitySets {
    CapabilityMask bounding = 0;
    CapabilityMask effective = 0;
    CapabilityMask inheritable = 0;
    CapabilityMask permitted = 0;
    CapabilityMask ambient = 0;
};

// Drops every capability outside `kept` from the bounding set, for ever. Needs CAP_SETPCAP.
Result<void> limit_bounding(CapabilityMask kept);
// Makes setresuid away from root keep the permitted set (until the next execve).
Result<void> keep_capabilities_over_setuid();
// Sets effective, permitted and inheritable to exactly these, and the ambient set to `ambient`.
Result<void> set_capabilities(const CapabilitySets& sets);

}  // namespace davit::sdk
