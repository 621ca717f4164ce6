// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/router.hpp"

#include "plugins/docker-api/json_text.hpp"
#include "plugins/docker-api/status.hpp"

#include <algorithm>

namespace davit::docker_api {

namespace {

// Whether `lists`, separated by commas, names `parameter`.
bool is_list(std::string_view lists, std::string_view parameter) {
    for (std::size_t at = 0; at < lists.size();) {
        const std::string_view name = lists.substr(at, lists.find(',', at) - at);
        if (name == parameter) return true;
        at += name.size() + 1;
    }
    return false;
}

void append_member(std::string& json, std::string_view name) {
    json += json.size() > 1 ? "," : "";
    append_json_string(json, name);
    json += ':';
}

void append_list(std::string& json, const Target& target, std::string_view name) {
    json += '[';
    bool first = true;
    for (const auto& [key, value] : target.query) {
        if (key != name) continue;
        json += std::exchange(first, false) ? "" : ",";
        append_json_string(json, value);
    }
    json += ']';
}

// As in docker's daemon, the first value of a parameter counts, and the path's beats the query's.
std::string arguments(const Route& route, const Match& path, const Target& target,
                      Version version) {
    std::string json = "{";
    if (!path.parameter.empty()) {
        append_member(json, path.parameter);
        append_json_string(json, path.value);
    }
    for (std::size_t at = 0; at < target.query.size(); ++at) {
        const auto& [name, value] = target.query[at];
        if (name == path.parameter || name == "version" || target.find(name) != &value) continue;
        append_member(json, name);
        if (is_list(route.lists, name))
            append_list(json, target, name);
        else
            append_json_string(json, value);
    }
    append_member(json, "version");
    append_json_string(json, version.text());
    return json += '}';
}

Routing nowhere(unsigned status, std::string message) {
    return {.found = {}, .missing = {status, std::move(message)}};
}

// The path is known, or not, to no route of the table.
Routing explain(const RequestHead& head, const Target& target) {
    const auto known = [&](const auto& row) { return match(row.pattern, target.path).matched; };
    const auto refused = std::find_if(
        refused_routes().begin(), refused_routes().end(),
        [&](const RefusedRoute& row) { return row.method == head.method && known(row); });
    if (refused != refused_routes().end())
        return nowhere(501, std::string(refused->what) + ": not supported by this engine");
    if (std::any_of(routes().begin(), routes().end(), known) ||
        std::any_of(refused_routes().begin(), refused_routes().end(), known))
        return nowhere(405, "method not allowed");
    return nowhere(404, "page not found");
}

}  // namespace

Routing route_request(const RequestHead& head) {
    Result<Target> parsed = parse_target(head.target);
    if (!parsed) return nowhere(http_status(parsed.error().code), parsed.error().what);
    const Target& target = *parsed;
    Version version = kCurrentVersion;
    if (!target.version.empty()) {
        Result<Version> asked = Version::parse(target.version);
        if (!asked) return nowhere(http_status(asked.error().code), asked.error().what);
        if (Result<void> spoken = check(*asked); !spoken)
            return nowhere(http_status(spoken.error().code), spoken.error().what);
        version = *asked;
    }
    for (const Route& route : routes()) {
        if (route.method != head.method || version < route.first || version > route.last) continue;
        if (!route.selector.empty() && target.find(route.selector) == nullptr) continue;
        const Match path = match(route.pattern, target.path);
        if (!path.matched) continue;
        const std::string* const keys = target.find("detachKeys");
        return {.found = {.route = &route,
                          .version = version,
                          .detach_keys = keys != nullptr ? *keys : "",
                          .args = arguments(route, path, target, version)},
                .missing = {}};
    }
    return explain(head, target);
}

}  // namespace davit::docker_api
