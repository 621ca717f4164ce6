// SPDX-License-Identifier: Apache-2.0
// Which of a sandbox's endpoints its default routes lead through, and how they are moved while it
// lives. A driver sets them when it attaches; a change concerns endpoints of several drivers, so it
// is made here. Thread-safe: no state.
#pragma once

#include "core/network/endpoint.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>

namespace davit::network {

struct GatewayRank {
    std::int64_t priority = 0;
    const std::string& network;
};
// The higher priority; of equal ones the network whose name sorts first (docker's rule).
inline bool ranks_before(const GatewayRank& a, const GatewayRank& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.network < b.network;
}

// In the namespace behind `netns`. A route that is not there is no error.
Result<void> remove_default_route(int netns, const Endpoint& endpoint);
Result<void> add_default_route(int netns, const Endpoint& endpoint);

}  // namespace davit::network
