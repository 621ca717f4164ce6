// SPDX-License-Identifier: Apache-2.0
// An endpoint: what joins a sandbox (a network namespace) to a network. What a container asks of it
// stays with the container; the endpoint itself lives while the container runs. Values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace davit::network {

struct PublishedPort {
    std::string protocol;      // "tcp"
    std::string host_address;  // "0.0.0.0", "127.0.0.1", "::"
    std::uint16_t container_port = 0, host_port = 0;
};

// What is asked for: the part of the API's EndpointSettings that a client writes.
struct EndpointSettings {
    std::string network;             // its name; of one that is not there yet, as it was given
    std::string network_id;          // when it was last there
    std::string address4, address6;  // empty: from the network's pool
    std::string mac;                 // empty: the driver's choice
    std::vector<std::string> aliases;
    std::vector<std::string> links;  // "container:alias": names for this container alone
    std::int64_t gateway_priority = 0;
    std::map<std::string, std::string> driver_options;
};

// What there is, as inspect shows it and the graph keeps it.
struct Endpoint {
    std::string id, network, network_id, container, interface, mac, address, gateway;
    int prefix = 0;  // bits of the address's subnet
    std::string address6, gateway6;
    int prefix6 = 0;
    bool default_route = false;  // the sandbox's default routes lead through it
    std::int64_t gateway_priority = 0;
    std::vector<std::string> names;  // by which others on this network find it
    std::vector<std::string> links;  // as in EndpointSettings
    std::vector<PublishedPort> ports;
};

}  // namespace davit::network
