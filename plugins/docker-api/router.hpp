// SPDX-License-Identifier: Apache-2.0
// From a request's head to the operation that it asks for. No state, thread-safe.
#pragma once

#include "plugins/docker-api/routes.hpp"
#include "plugins/docker-api/target.hpp"

#include <string>

namespace davit::docker_api {

struct Routed {
    const Route* route = nullptr;
    Version version = kCurrentVersion;
    std::string detach_keys;  // of the query
    std::string args;         // for the engine: path and query parameters, and "version"
};

// Why a request leads nowhere.
struct Unrouted {
    unsigned status = 404;
    std::string message;
};

// Exactly one of the two is filled: `route` tells.
struct Routing {
    Routed found;
    Unrouted missing;
};

Routing route_request(const RequestHead& head);

}  // namespace davit::docker_api
