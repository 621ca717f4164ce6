// SPDX-License-Identifier: Apache-2.0
// What a network driver answers, made of what the kernel says of links. Thread-safe: no state.
#pragma once

#include "davit/network.h"
#include "sdk/netlink/link.hpp"

namespace davit::sdk {

// Of the interface in the sandbox.
davit_endpoint_attached attached_as(const Link& interface);

// `counters` are those of the interface in the sandbox, or, `from_outside`, of its other end: what
// that one sends the container receives.
davit_endpoint_stats stats_of(const LinkCounters& counters, bool from_outside = false);

}  // namespace davit::sdk
