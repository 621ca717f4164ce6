// SPDX-License-Identifier: Apache-2.0
// The link between a bridge and a sandbox: a veth pair made in one request, and the sandbox's end
// put into service by one thread inside. Thread-safe: no state.
#pragma once

#include "davit/network.h"
#include "network_settings.hpp"
#include "sdk/base/result.hpp"
#include "sdk/netlink/link.hpp"

#include <string>
#include <utility>
#include <vector>

namespace davit::bridge {

struct EndpointPlan {
    std::string host_name;  // of the end on the host
    std::string alias;      // of the same
    int bridge = 0;         // index
    int netns = -1;         // borrowed
    std::string interface;  // in the sandbox; may be a pattern such as eth%d
    sdk::Mac mac{};
    unsigned mtu = 0;
    bool isolated = false;  // from the bridge's other isolated ports
    std::vector<sdk::Prefix> addresses;
    std::vector<sdk::Prefix> gateways;  // of the default routes
    std::vector<std::pair<std::string, std::string>>
        sysctls;  // path below /proc/sys/net with IFNAME, value
};
// All but host_name, alias, bridge and isolated. Errors: invalid.
Result<EndpointPlan> plan_of(const davit_endpoint_attach& request, const NetworkSettings& network);

struct EndpointLink {
    int host_index = 0;
    int index = 0;  // in the sandbox
    std::string interface;
};
// On failure no link is left. Errors: exists when the host's end or the interface has that name
// already; not_found when the bridge is gone.
Result<EndpointLink> connect(const EndpointPlan& plan);

// 02:42 and the four bytes of an IPv4 address, as Docker does; for IPv6 alone 02:42 and its last
// four.
sdk::Mac mac_of(const std::vector<sdk::Prefix>& addresses);

}  // namespace davit::bridge
