// SPDX-License-Identifier: Apache-2.0
// Endpoints as JSON: the API's EndpointSettings, in and out, and what the graph keeps of an
// endpoint that lives. No state.
#pragma once

#include "core/network/endpoint.hpp"
#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <string>

namespace davit::network {

// Reads what a client asks of `network`; the members that only answers carry are passed over.
// Errors: invalid, naming what is wrong with an address; unsupported (501) for what is not built.
Result<EndpointSettings> read_endpoint_settings(const std::string& network,
                                                const boost::json::object& settings);
// The same members again.
boost::json::object settings_json(const EndpointSettings& settings);

// EndpointSettings as inspect shows them. `endpoint`: null while the container does not run.
boost::json::object shown_endpoint(const EndpointSettings& settings, const Endpoint* endpoint);

boost::json::object endpoint_json(const Endpoint& endpoint);
Result<Endpoint> read_endpoint(const boost::json::object& object);

}  // namespace davit::network
