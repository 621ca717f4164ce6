// SPDX-License-Identifier: Apache-2.0
// An endpoint's link: a macvlan made straight into the sandbox, found again and removed without a
// descriptor of the sandbox. Thread-safe: no state.
#pragma once

#include "endpoint_record.hpp"
#include "sdk/base/result.hpp"
#include "sdk/endpoint/interface.hpp"
#include "sdk/netlink/link.hpp"

#include <optional>

namespace davit::macvlan {

struct EndpointPlan {
    sdk::InterfacePlan interface;
    EndpointRecord record;
    int parent = 0;  // index
    sdk::MacvlanMode mode = sdk::MacvlanMode::bridge;
};
// On failure no link is left. A link with the same MAC that is just going, with the sandbox that
// it was in, is waited for. Errors: busy when it does not go: the MAC, or a parent in passthru
// mode, is somebody else's; not_found parent.
Result<sdk::Link> connect(EndpointPlan plan);

// The endpoint's link as it is now, or nothing: its sandbox is gone, or somebody removed it.
// `alias`: what it carries from soon after its making on.
Result<std::optional<sdk::Link>> find_endpoint(sdk::RouteSocket& socket,
                                               const EndpointRecord& record,
                                               const std::string& alias);
// Whether the sandbox is there at all.
bool has_sandbox(sdk::RouteSocket& socket, const EndpointRecord& record);

// Waits until the kernel has let go of the link, since only then its MAC is free on the parent.
Result<void> disconnect(const EndpointRecord& record, const std::string& alias);

}  // namespace davit::macvlan
