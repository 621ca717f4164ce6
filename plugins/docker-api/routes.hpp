// SPDX-License-Identifier: Apache-2.0
// What the HTTP API offers, as one table, and what of the API description is refused by name.
// Constant data. docs/docker-compat.md is checked against it (tests/api), and so is the API
// description.
#pragma once

#include "plugins/docker-api/http_server.hpp"
#include "plugins/docker-api/version.hpp"

#include <span>
#include <string_view>

namespace davit::docker_api {

// How the engine is asked (davit/draft/service.h).
enum class Ask { query, job, events };

// What the answer looks like.
enum class Shape {
    ping,     // "OK"
    json,     // one document
    empty,    // a status alone
    lines,    // application/json, one line per progress object, sent as they come
    output,   // what a container wrote, framed unless it has a terminal
    hijack,   // the connection becomes the container's streams
    archive,  // raw bytes; a result before them becomes the path's stat header
    stat,     // the result becomes the path's stat header, nothing else
};

// What the request's body is.
enum class Body { none, json, stream };

// Whether the operation ends when its client leaves.
enum class Leaving { finishes, cancels };

struct Route {
    Method method;
    std::string_view
        pattern;  // as in the API description; {name} may hold slashes, other parameters not
    std::string_view operation;
    Ask ask = Ask::query;
    Shape shape = Shape::json;
    unsigned status = 200;  // of success
    Body body = Body::none;
    Leaving leaving = Leaving::finishes;
    std::string_view selector = {};  // only when the query has this parameter
    std::string_view lists = {};     // parameters that may be repeated, separated by commas
    Version first = {1, 24};
    Version last = {1, 999};
};

// In order of precedence.
std::span<const Route> routes();

// Endpoints of the API description that Davit does not offer: answered with 501 and `what`.
struct RefusedRoute {
    Method method;
    std::string_view pattern;
    std::string_view what;  // "swarm"
};
std::span<const RefusedRoute> refused_routes();

}  // namespace davit::docker_api
