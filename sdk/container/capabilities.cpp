// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/capabilities.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <array>

namespace davit::sdk {

namespace {

// In the order of their numbers (capabilities(7)).
constexpr std::array<std::string_view, 41> kNames = {"CAP_CHOWN",
                                                     "CAP_DAC_OVERRIDE",
                                                     "CAP_DAC_READ_SEARCH",
                                                     "CAP_FOWNER",
                                                     "CAP_FSETID",
                                                     "CAP_KILL",
                                                     "CAP_SETGID",
                                                     "CAP_SETUID",
                                                     "CAP_SETPCAP",
                                                     "CAP_LINUX_IMMUTABLE",
                                                     "CAP_NET_BIND_SERVICE",
                                                     "CAP_NET_BROADCAST",
                                                     "CAP_NET_ADMIN",
                                                     "CAP_NET_RAW",
                                                     "CAP_IPC_LOCK",
                                                     "CAP_IPC_OWNER",
                                                     "CAP_SYS_MODULE",
                                                     "CAP_SYS_RAWIO",
                                                     "CAP_SYS_CHROOT",
                                                     "CAP_SYS_PTRACE",
                                                     "CAP_SYS_PACCT",
                                                     "CAP_SYS_ADMIN",
                                                     "CAP_SYS_BOOT",
                                                     "CAP_SYS_NICE",
                                                     "CAP_SYS_RESOURCE",
                                                     "CAP_SYS_TIME",
                                                     "CAP_SYS_TTY_CONFIG",
                                                     "CAP_MKNOD",
                                                     "CAP_LEASE",
                                                     "CAP_AUDIT_WRITE",
                                                     "CAP_AUDIT_CONTROL",
                                                     "CAP_SETFCAP",
                                                     "CAP_MAC_OVERRIDE",
                                                     "CAP_MAC_ADMIN",
                                                     "CAP_SYSLOG",
                                                     "CAP_WAKE_ALARM",
                                                     "CAP_BLOCK_SUSPEND",
                                                     "CAP_AUDIT_READ",
                                                     "CAP_PERFMON",
                                                     "CAP_BPF",
                                                     "CAP_CHECKPOINT_RESTORE"};

constexpr unsigned kBits = 64;

std::uint32_t low(CapabilityMask mask) { return static_cast<std::uint32_t>(mask); }
std::uint32_t high(CapabilityMask mask) { return static_cast<std::uint32_t>(mask >> 32); }

}  // namespace

std::optional<unsigned> capability_number(std::string_view name) {
    for (unsigned number = 0; number < kNames.size(); ++number)
        if (kNames[number] == name) return number;
    return std::nullopt;
}

std::string_view capability_name(unsigned number) {
    return number < kNames.size() ? kNames[number] : std::string_view{};
}

CapabilityMask all_capabilities() {
    // PR_CAPBSET_READ fails beyond the last capability of the running kernel: no file needs to be
    // read.
    CapabilityMask mask = 0;
    for (unsigned number = 0; number < kBits; ++number) {
        if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) < 0) break;
        mask |= CapabilityMask{1} << number;
    }
    return mask;
}

CapabilityMask held_capabilities() {
    CapabilityMask mask = 0;
    for (unsigned number = 0; number < kBits; ++number)
        if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1) mask |= CapabilityMask{1} << number;
    return mask;
}

Result<void> limit_bounding(CapabilityMask kept) {
    for (unsigned number = 0; number < kBits; ++number) {
        const int held = ::prctl(PR_CAPBSET_READ, number, 0, 0, 0);
        if (held < 0) break;
        if (held == 1 && (kept >> number & 1) == 0 &&
            ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0)
            return os_error("drop capability " + std::to_string(number));
    }
    return {};
}

Result<void> keep_capabilities_over_setuid() {
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return os_error("keep capabilities");
    return {};
}

Result<void> set_capabilities(const CapabilitySets& sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {
        {low(sets.effective), low(sets.permitted), low(sets.inheritable)},
        {high(sets.effective), high(sets.permitted), high(sets.inheritable)}};
    if (::syscall(SYS_capset, &header, data) != 0) return os_error("set capabilities");
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return os_error("clear ambient capabilities");
    for (unsigned number = 0; number < kBits; ++number)
        if ((sets.ambient >> number & 1) != 0 &&
            ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0)
            return os_error("raise ambient capability " + std::to_string(number));
    return {};
}

}  // namespace davit::sdk
