// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/routes.hpp"

namespace davit::docker_api {

namespace {

using enum Ask;
using enum Shape;
using enum Leaving;
constexpr Method kGet = Method::get;
constexpr Method kHead = Method::head;
constexpr Method kPost = Method::post;
constexpr Method kPut = Method::put;
constexpr Method kDelete = Method::del;

// clang-format off
constexpr Route kRoutes[] = {
    // system
    {kGet,    "/_ping",                        "system.ping",            query,  ping},
    {kHead,   "/_ping",                        "system.ping",            query,  ping},
    {kGet,    "/version",                      "system.version"},
    {kGet,    "/info",                         "system.info"},
    {kPost,   "/auth",                         "system.auth",            job,    json,    200, Body::json, cancels},
    {kGet,    "/events",                       "system.events",          events, lines,   200, Body::none, cancels},
    {kGet,    "/system/df",                    "system.df",              query,  json,    200, Body::none, cancels, {}, "type", {1, 25}},

    // containers
    {kGet,    "/containers/json",              "container.list"},
    {kPost,   "/containers/create",            "container.create",       job,    json,    201, Body::json},
    {kPost,   "/containers/prune",             "container.prune",        job,    json,    200, Body::none, finishes, {}, {}, {1, 25}},
    {kGet,    "/containers/{id}/json",         "container.inspect"},
    {kGet,    "/containers/{id}/top",          "container.top",          query,  json,    200, Body::none, cancels},
    {kGet,    "/containers/{id}/logs",         "container.logs",         job,    output,  200, Body::none, cancels},
    {kGet,    "/containers/{id}/changes",      "container.changes",      query,  json,    200, Body::none, cancels},
    {kGet,    "/containers/{id}/export",       "container.export",       job,    archive, 200, Body::none, cancels},
    {kGet,    "/containers/{id}/stats",        "container.stats",        job,    lines,   200, Body::none, cancels},
    {kPost,   "/containers/{id}/resize",       "container.resize",       job,    empty},
    {kPost,   "/containers/{id}/start",        "container.start",        job,    empty,   204},
    {kPost,   "/containers/{id}/stop",         "container.stop",         job,    empty,   204},
    {kPost,   "/containers/{id}/restart",      "container.restart",      job,    empty,   204},
    {kPost,   "/containers/{id}/kill",         "container.kill",         job,    empty,   204},
    {kPost,   "/containers/{id}/update",       "container.update",       job,    json,    200, Body::json},
    {kPost,   "/containers/{id}/rename",       "container.rename",       job,    empty,   204},
    {kPost,   "/containers/{id}/pause",        "container.pause",        job,    empty,   204},
    {kPost,   "/containers/{id}/unpause",      "container.unpause",      job,    empty,   204},
    {kPost,   "/containers/{id}/attach",       "container.attach",       job,    hijack},
    {kPost,   "/containers/{id}/wait",         "container.wait",         job,    json,    200, Body::none, cancels},
    {kDelete, "/containers/{id}",              "container.remove",       job,    empty,   204},
    {kHead,   "/containers/{id}/archive",      "container.archive.stat", query,  stat},
    {kGet,    "/containers/{id}/archive",      "container.archive.get",  job,    archive, 200, Body::none, cancels},
    {kPut,    "/containers/{id}/archive",      "container.archive.put",  job,    empty,   200, Body::stream},
    {kPost,   "/containers/{id}/exec",         "exec.create",            job,    json,    201, Body::json},

    // exec sessions
    {kPost,   "/exec/{id}/start",              "exec.start",             job,    hijack,  200, Body::json},
    {kPost,   "/exec/{id}/resize",             "exec.resize",            job,    empty},
    {kGet,    "/exec/{id}/json",               "exec.inspect"},

    // images
    {kGet,    "/images/json",                  "image.list"},
    {kPost,   "/images/create",                "image.import",           job,    lines,   200, Body::stream, cancels, "fromSrc", "changes"},
    {kPost,   "/images/create",                "image.pull",             job,    lines,   200, Body::none, cancels},
    {kPost,   "/images/load",                  "image.load",             job,    lines,   200, Body::stream, cancels},
    {kPost,   "/images/prune",                 "image.prune",            job,    json,    200, Body::none, finishes, {}, {}, {1, 25}},
    {kGet,    "/images/search",                "image.search",           job,    json,    200, Body::none, cancels},
    {kGet,    "/images/get",                   "image.save",             job,    archive, 200, Body::none, cancels, {}, "names"},
    {kGet,    "/images/{name}/get",            "image.save",             job,    archive, 200, Body::none, cancels},
    {kGet,    "/images/{name}/json",           "image.inspect"},
    {kGet,    "/images/{name}/history",        "image.history"},
    {kPost,   "/images/{name}/push",           "image.push",             job,    lines,   200, Body::none, cancels},
    {kPost,   "/images/{name}/tag",            "image.tag",              job,    empty,   201},
    {kDelete, "/images/{name}",                "image.remove",           job,    json,    200, Body::none, finishes, {}, "platforms"},
    {kPost,   "/commit",                       "image.commit",           job,    json,    201, Body::json, finishes, {}, "changes"},
    {kGet,    "/distribution/{name}/json",     "distribution.inspect",   job,    json,    200, Body::none, cancels, {}, {}, {1, 30}},

    // networks
    {kGet,    "/networks",                     "network.list"},
    {kPost,   "/networks/create",              "network.create",         job,    json,    201, Body::json},
    {kPost,   "/networks/prune",               "network.prune",          job,    json,    200, Body::none, finishes, {}, {}, {1, 25}},
    {kGet,    "/networks/{id}",                "network.inspect"},
    {kDelete, "/networks/{id}",                "network.remove",         job,    empty,   204},
    {kPost,   "/networks/{id}/connect",        "network.connect",        job,    empty,   200, Body::json},
    {kPost,   "/networks/{id}/disconnect",     "network.disconnect",     job,    empty,   200, Body::json},

    // volumes
    {kGet,    "/volumes",                      "volume.list"},
    {kPost,   "/volumes/create",               "volume.create",          job,    json,    201, Body::json},
    {kPost,   "/volumes/prune",                "volume.prune",           job,    json,    200, Body::none, finishes, {}, {}, {1, 25}},
    {kGet,    "/volumes/{name}",               "volume.inspect"},
    {kDelete, "/volumes/{name}",               "volume.remove",          job,    empty,   204},

    // Davit's own
    {kGet,    "/davit/v1/drivers",             "driver.list"},
    {kGet,    "/davit/v1/drivers/{id}",        "driver.inspect"},
    {kGet,    "/davit/v1/jobs",                "job.list"},
    {kGet,    "/davit/v1/jobs/{id}",           "job.inspect"},
    {kGet,    "/davit/v1/jobs/{id}/watch",     "job.watch",              job,    lines,   200, Body::none, cancels},
    {kPost,   "/davit/v1/jobs/{id}/cancel",    "job.cancel",             job,    empty,   204},
};

constexpr RefusedRoute kRefused[] = {
    {kPost,   "/build",                        "build"},
    {kPost,   "/build/prune",                  "build"},
    {kPost,   "/session",                      "session (BuildKit)"},
    {kGet,    "/containers/{id}/attach/ws",    "attach by websocket"},
    {kPut,    "/volumes/{name}",               "cluster volume"},
    {kGet,    "/plugins",                      "managed plugin"},
    {kGet,    "/plugins/privileges",           "managed plugin"},
    {kPost,   "/plugins/pull",                 "managed plugin"},
    {kGet,    "/plugins/{name}/json",          "managed plugin"},
    {kDelete, "/plugins/{name}",               "managed plugin"},
    {kPost,   "/plugins/{name}/enable",        "managed plugin"},
    {kPost,   "/plugins/{name}/disable",       "managed plugin"},
    {kPost,   "/plugins/{name}/upgrade",       "managed plugin"},
    {kPost,   "/plugins/create",               "managed plugin"},
    {kPost,   "/plugins/{name}/push",          "managed plugin"},
    {kPost,   "/plugins/{name}/set",           "managed plugin"},
    {kGet,    "/nodes",                        "swarm"},
    {kGet,    "/nodes/{id}",                   "swarm"},
    {kDelete, "/nodes/{id}",                   "swarm"},
    {kPost,   "/nodes/{id}/update",            "swarm"},
    {kGet,    "/swarm",                        "swarm"},
    {kPost,   "/swarm/init",                   "swarm"},
    {kPost,   "/swarm/join",                   "swarm"},
    {kPost,   "/swarm/leave",                  "swarm"},
    {kPost,   "/swarm/update",                 "swarm"},
    {kGet,    "/swarm/unlockkey",              "swarm"},
    {kPost,   "/swarm/unlock",                 "swarm"},
    {kGet,    "/services",                     "swarm"},
    {kPost,   "/services/create",              "swarm"},
    {kGet,    "/services/{id}",                "swarm"},
    {kDelete, "/services/{id}",                "swarm"},
    {kPost,   "/services/{id}/update",         "swarm"},
    {kGet,    "/services/{id}/logs",           "swarm"},
    {kGet,    "/tasks",                        "swarm"},
    {kGet,    "/tasks/{id}",                   "swarm"},
    {kGet,    "/tasks/{id}/logs",              "swarm"},
    {kGet,    "/secrets",                      "swarm"},
    {kPost,   "/secrets/create",               "swarm"},
    {kGet,    "/secrets/{id}",                 "swarm"},
    {kDelete, "/secrets/{id}",                 "swarm"},
    {kPost,   "/secrets/{id}/update",          "swarm"},
    {kGet,    "/configs",                      "swarm"},
    {kPost,   "/configs/create",               "swarm"},
    {kGet,    "/configs/{id}",                 "swarm"},
    {kDelete, "/configs/{id}",                 "swarm"},
    {kPost,   "/configs/{id}/update",          "swarm"},
};
// clang-format on

}  // namespace

std::span<const Route> routes() { return kRoutes; }
std::span<const RefusedRoute> refused_routes() { return kRefused; }

}  // namespace davit::docker_api
