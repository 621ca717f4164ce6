// SPDX-License-Identifier: Apache-2.0
// Rules of policy routing (ip-rule(8)), as requests queued on a RouteSocket. No state of its own.
#pragma once

#include "sdk/netlink/address.hpp"
#include "sdk/netlink/route_socket.hpp"

#include <cstdint>

namespace davit::sdk {

// Packets between these are looked up in `table`; what it does not know goes on to the next rule.
struct RoutingRule {
    Prefix from = {};  // family 0: from everywhere
    Prefix to = {};    // family 0: to everywhere
    std::uint32_t table = 0;
    std::uint32_t priority = 0;  // lower ones are asked first; main is 32766
};
void queue_rule(RouteSocket& socket, const RoutingRule& rule);
void queue_rule_removal(RouteSocket& socket, const RoutingRule& rule);

}  // namespace davit::sdk
