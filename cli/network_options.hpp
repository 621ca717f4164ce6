// SPDX-License-Identifier: Apache-2.0
// How a container is connected to a network, as options say it: --network and what belongs to it,
// and the options of `network connect`.
#pragma once

#include "cli/container_options.hpp"

#include <boost/json/object.hpp>
#include <optional>
#include <string>

namespace davit::cli {

struct EndpointOptions {
    std::string network, ip, ip6, mac;
    Strings aliases, links, link_local, driver_options;
    std::optional<std::int64_t> gateway_priority;
};

// Adds to `target` what an option gives, where several may stand in one value with commas between
// them. For Flags::custom.
Flags::Setter joined_list(Strings& target);

// "front", or the long form "name=front,alias=web,ip=10.1.2.3". Errors: invalid.
Result<EndpointOptions> parse_network(const std::string& text);
// EndpointSettings; empty when only the network was named. Errors: invalid.
Result<boost::json::object> endpoint_settings(const EndpointOptions& options);
// EndpointsConfig of run and create; sets NetworkMode and Links in `host`. Errors: invalid.
Result<boost::json::object> network_endpoints(const ContainerOptions& options,
                                              boost::json::object& host);

}  // namespace davit::cli
