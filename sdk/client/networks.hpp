// SPDX-License-Identifier: Apache-2.0
// The Engine API's calls on networks.
#pragma once

#include "sdk/client/client.hpp"

namespace davit::sdk {

// `body`: Name, Driver, IPAM, Options, … The new network's id.
Result<std::string> create_network(Client& client, std::string body);
// `filters`: JSON, or empty.
Result<boost::json::value> list_networks(Client& client, const std::string& filters);
// The daemon's own text.
Result<std::string> inspect_network(Client& client, const std::string& name);
Result<void> remove_network(Client& client, const std::string& name);
// {"NetworksDeleted": […]}
Result<boost::json::value> prune_networks(Client& client, const std::string& filters);
// `body`: Container, and EndpointConfig or Force.
Result<void> connect_network(Client& client, const std::string& name, std::string body);
Result<void> disconnect_network(Client& client, const std::string& name, std::string body);

}  // namespace davit::sdk
