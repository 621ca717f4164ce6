// SPDX-License-Identifier: Apache-2.0
// An endpoint's interface in its sandbox: the plan that a request of `attach` makes, and its
// putting into service, the same whatever kind of link a driver made. Thread-safe: no state.
#pragma once

#include "davit/network.h"
#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"
#include "sdk/netlink/link.hpp"
#include "sdk/netlink/route_socket.hpp"

#include <string>
#include <utility>
#include <vector>

namespace davit::sdk {

struct InterfacePlan {
    int netns = -1;    // the sandbox; borrowed
    std::string name;  // wanted; may be a pattern such as eth%d
    Mac mac{};
    int index = 0;      // of the link that was made; 0: it is known by its MAC
    std::string alias;  // by which the driver knows it again; may be empty
    unsigned mtu = 0;   // 0: the network's
    std::vector<Prefix> addresses;
    std::vector<Route> routes;     // beyond its addresses' subnets; `link` is filled in
    std::vector<Prefix> gateways;  // of the default routes
    std::vector<std::pair<std::string, std::string>>
        sysctls;  // path below /proc/sys/net with IFNAME, value
};
// Errors: invalid: a name, a sysctl of something else, no address.
Result<InterfacePlan> interface_plan(const davit_endpoint_attach& request);

// The same value in the ABI's form and ours.
Prefix prefix_of(const davit_address& address);

// 02:42 and the four bytes of an IPv4 address, as Docker does; for IPv6 alone 02:42 and its last
// four.
Mac mac_of(const std::vector<Prefix>& addresses);

// Puts the plan's link, made in the sandbox and still down, into service: alias, MAC, sysctls,
// addresses, up, routes; returns when it carries packets. Runs in a thread inside the sandbox.
// Errors: what the kernel says; busy when another link beneath has the same MAC.
Result<Link> configure_interface(const InterfacePlan& plan);

// Until the kernel has put a link into service (up to some milliseconds), its queue swallows every
// packet. In the namespace of `socket`; returns after 100 ms whatever comes.
Result<void> await_service(RouteSocket& socket, const std::string& name);

}  // namespace davit::sdk
