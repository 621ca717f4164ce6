// SPDX-License-Identifier: Apache-2.0
// The link between a bridge and a sandbox: a veth pair made in one request, and the sandbox's end
// put into service by one thread inside. Thread-safe: no state.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/endpoint/interface.hpp"

#include <string>

namespace davit::bridge {

struct EndpointPlan {
    sdk::InterfacePlan interface;  // the sandbox's end
    std::string host_name;         // of the end on the host
    std::string alias;             // of the same
    int bridge = 0;                // index
    bool isolated = false;         // from the bridge's other isolated ports
};

struct EndpointLink {
    int host_index = 0;
    int index = 0;  // in the sandbox
    std::string interface;
};
// On failure no link is left. Errors: exists when the host's end or the interface has that name
// already; not_found when the bridge is gone.
Result<EndpointLink> connect(const EndpointPlan& plan);

}  // namespace davit::bridge
