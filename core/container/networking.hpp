// SPDX-License-Identifier: Apache-2.0
// Which networks a container asks for: NetworkMode and NetworkingConfig of a create body, and what
// NetworkMode means. No state.
#pragma once

#include "core/network/endpoint.hpp"
#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace davit::container {

// "none", "host" and "container:NAME": no sandbox of one's own that joins networks.
bool has_own_networks(std::string_view network_mode);

// NAME of "container:NAME"; empty for every other mode.
std::string shared_with(std::string_view network_mode);

// The networks of a create body, the one of NetworkMode first. Errors: invalid, in docker's words,
// when networks and mode exclude each other.
Result<std::vector<network::EndpointSettings>> read_networking(const boost::json::object& body,
                                                               const std::string& network_mode);

}  // namespace davit::container
