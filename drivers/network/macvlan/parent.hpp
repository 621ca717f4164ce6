// SPDX-License-Identifier: Apache-2.0
// The link of the host that a network's containers lie on: somebody else's, a VLAN of one, or a
// link of the driver's own that leads nowhere. Thread-safe: no state.
#pragma once

#include "network_settings.hpp"
#include "sdk/base/result.hpp"
#include "sdk/netlink/link.hpp"

#include <string>

namespace davit::macvlan {

// Whether the parent is not there, or is one that the driver made before and marked with `alias`.
Result<bool> has_to_make(const NetworkSettings& settings, const std::string& alias);

struct RaisedParent {
    sdk::Link link;
    std::string mended;  // what was missing of the driver's own, in words; empty: nothing
};
// Finds the network's parent, or makes what the driver may make: the link of an internal network,
// and "eth0.10" as VLAN 10 of eth0. What it makes carries `alias` and is up. Errors: not_found
// parent; exists when the name of an internal network's link is taken; what the kernel says to a
// VLAN.
Result<RaisedParent> raise_parent(const NetworkSettings& settings, const std::string& alias);

// Removes the parent if the driver made it; else nothing.
Result<void> remove_parent(const NetworkSettings& settings, const std::string& alias);

}  // namespace davit::macvlan
