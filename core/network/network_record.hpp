// SPDX-License-Identifier: Apache-2.0
// A network as the graph keeps it, and as a client asks for one. Values; the rows' functions are
// thread-safe through the database.
#pragma once

#include "core/store/database.hpp"
#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::network {

// The addresses of one family. `gateway` carries the subnet's prefix length.
struct Subnet {
    sdk::Prefix subnet, gateway;                  // family 0: none
    std::optional<sdk::Prefix> range;             // containers' addresses come from here
    std::map<std::string, sdk::Prefix> reserved;  // by name: what containers never get
    bool chosen = false;                          // by the user: static addresses are possible
};

struct NetworkRecord {
    std::string id, name, instance;  // of the network driver
    std::string link;                // on the host; may be empty
    std::int64_t created_ns = 0;
    Subnet four, six;
    bool internal = false, attachable = false;
    bool is_default = false;  // the one that containers join when none is named
    std::map<std::string, std::string> options, labels;
};

// The body of POST /networks/create.
struct NetworkRequest {
    std::string name, driver;  // a driver instance's name, or a driver's; empty: the default
    Subnet four, six;          // what was given of them
    bool internal = false, attachable = false, ipv4 = true, ipv6 = false;
    std::map<std::string, std::string> options, labels;
};

// Errors: invalid, in docker's words; unsupported, naming a field that is not built yet.
Result<NetworkRequest> parse_network_request(std::string_view body);

Result<std::vector<NetworkRecord>> load_networks(store::Database& graph);
Result<void> insert_network(store::Database& graph, const NetworkRecord& record);
Result<void> erase_network(store::Database& graph, const std::string& id);

}  // namespace davit::network
