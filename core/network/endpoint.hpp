// SPDX-License-Identifier: Apache-2.0
// An endpoint: what joins a sandbox (a network namespace) to a network, as inspect shows it and the
// graph keeps it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace davit::network {

struct PublishedPort {
    std::string protocol;      // "tcp"
    std::string host_address;  // "0.0.0.0", "127.0.0.1", "::"
    std::uint16_t container_port = 0, host_port = 0;
};

struct Endpoint {
    std::string id, network, network_id, interface, mac, address, gateway;
    int prefix = 0;  // bits of the address's subnet
    std::vector<PublishedPort> ports;
};

}  // namespace davit::network
