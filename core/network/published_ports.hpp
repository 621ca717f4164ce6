// SPDX-License-Identifier: Apache-2.0
// Published ports in their three forms: as a container asks for them, as the driver takes them, as
// inspect shows them. No state.
#pragma once

#include "core/network/endpoint.hpp"
#include "core/network/port_map.hpp"
#include "davit/network.h"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace davit::network {

// A host port that a container asks for: any of first to last; 0: any free one.
struct PortRequest {
    std::string protocol, host_address;
    std::uint16_t container_port = 0, first = 0, last = 0;
};

// `binding`: the host address of requests that name none; empty: every address.
Result<PortWish> wish_of(const PortRequest& request, const std::string& binding);

// Docker shows a port that was published on every address once for each family.
void show_port(const davit_port& port, std::vector<PublishedPort>& shown);
// The ports of a stored endpoint as the driver takes them: what was shown twice is one again.
Result<std::vector<davit_port>> stored_ports(const Endpoint& endpoint);

}  // namespace davit::network
