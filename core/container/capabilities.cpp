// SPDX-License-Identifier: Apache-2.0
#include "core/container/capabilities.hpp"

#include "sdk/container/capabilities.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace davit::container {

namespace {

// What containers are used to; the kernel's other capabilities come by --cap-add.
constexpr std::array<std::string_view, 14> kUsual = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};

struct Named {
    bool all = false;
    sdk::CapabilityMask mask = 0;
};

std::string full_name(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return name.starts_with("CAP_") || name == "ALL" ? name : "CAP_" + name;
}

Named named(const std::vector<std::string>& names) {
    Named result;
    for (const std::string& name : names) {
        const std::string full = full_name(name);
        if (full == "ALL") result.all = true;
        if (const auto number = sdk::capability_number(full))
            result.mask |= sdk::CapabilityMask{1} << *number;
    }
    return result;
}

sdk::CapabilityMask usual() {
    sdk::CapabilityMask mask = 0;
    for (const std::string_view name : kUsual)
        mask |= sdk::CapabilityMask{1} << *sdk::capability_number(name);
    return mask;
}

}  // namespace

bool is_capability(const std::string& name) {
    const std::string full = full_name(name);
    return full == "ALL" || sdk::capability_number(full).has_value();
}

std::vector<std::string> capabilities_for(const CapabilityChoice& choice) {
    // Forty system calls that always answer the same: nothing drops what davitd was started with.
    static const sdk::CapabilityMask at_hand = sdk::held_capabilities();
    const Named add = named(choice.add), drop = named(choice.drop);
    sdk::CapabilityMask chosen = at_hand;
    if (!choice.privileged) {
        if (!add.all) chosen = drop.all ? 0 : usual() & at_hand;
        chosen |= add.mask;
        chosen &= drop.all ? ~(drop.mask & ~add.mask) : ~drop.mask;
    }
    std::vector<std::string> names;
    for (unsigned number = 0; !sdk::capability_name(number).empty(); ++number)
        if ((chosen >> number & 1) != 0) names.emplace_back(sdk::capability_name(number));
    return names;
}

}  // namespace davit::container
