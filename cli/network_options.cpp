// SPDX-License-Identifier: Apache-2.0
#include "cli/network_options.hpp"

#include "cli/environment.hpp"
#include "cli/mounts.hpp"
#include "cli/view.hpp"

#include <charconv>
#include <utility>

namespace davit::cli {
namespace {

namespace bj = boost::json;

Error bad(std::string_view given, std::string_view why) {
    return fail(Code::invalid, "invalid argument \"", given, "\" for --network: ", why);
}

Error given_twice(std::string_view flag, std::string_view per_network) {
    return fail(Code::invalid, "conflicting options: cannot specify both --", flag,
                " and per-network ", per_network);
}

bj::array array_of(const Strings& values) {
    bj::array array;
    for (const auto& value : values) array.push_back(view::text(value));
    return array;
}

void put(bj::object& target, const char* name, const std::string& value) {
    if (!value.empty()) target[name] = view::text(value);
}

void put(bj::object& target, const char* name, const Strings& values) {
    if (!values.empty()) target[name] = array_of(values);
}

bool is_user_defined(std::string_view mode) {
    return mode != "default" && mode != "bridge" && mode != "host" && mode != "none" &&
           !mode.starts_with("container:");
}

Result<void> read_field(EndpointOptions& endpoint, const std::string& key,
                        const std::string& value) {
    if (key == "name") {
        endpoint.network = value;
    } else if (key == "alias") {
        endpoint.aliases.push_back(value);
    } else if (key == "ip") {
        endpoint.ip = value;
    } else if (key == "ip6") {
        endpoint.ip6 = value;
    } else if (key == "mac-address") {
        endpoint.mac = value;
    } else if (key == "link-local-ip") {
        endpoint.link_local.push_back(value);
    } else if (key == "driver-opt") {
        endpoint.driver_options.push_back(value);
    } else if (key == "gw-priority") {
        std::int64_t priority = 0;
        const auto* end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, priority);
        if (value.empty() || error != std::errc() || stop != end)
            return fail(Code::invalid, "invalid gw-priority: ", value);
        endpoint.gateway_priority = priority;
    } else {
        return fail(Code::invalid, "invalid field ", key);
    }
    return {};
}

// --ip, --network-alias and the like belong to the first network.
Result<void> put_first(EndpointOptions& endpoint, const ContainerOptions& o) {
    const auto take = [](auto& target, const auto& value, std::string_view flag,
                         std::string_view what) -> Result<void> {
        if (value.empty()) return {};
        if (!target.empty()) return given_twice(flag, what);
        target = value;
        return {};
    };
    TRY(take(endpoint.ip, o.ip, "ip", "IPv4 address"));
    TRY(take(endpoint.ip6, o.ip6, "ip6", "IPv6 address"));
    TRY(take(endpoint.mac, o.mac, "mac-address", "MAC address"));
    TRY(take(endpoint.aliases, o.aliases, "network-alias", "alias"));
    return take(endpoint.link_local, o.link_local, "link-local-ip", "link-local IP addresses");
}

}  // namespace

Flags::Setter joined_list(Strings& target) {
    return [&target](std::string_view text) -> Result<void> {
        for (;;) {
            const auto comma = text.find(',');
            target.emplace_back(text.substr(0, comma));
            if (comma == std::string_view::npos) return {};
            text.remove_prefix(comma + 1);
        }
    };
}

Result<EndpointOptions> parse_network(const std::string& text) {
    EndpointOptions endpoint;
    if (text.find('=') == std::string::npos) {
        endpoint.network = text;
        return endpoint;
    }
    auto fields = parse_fields(text);
    if (!fields) return bad(text, fields.error().what);
    for (const auto& [key, value] : *fields)
        if (auto read = read_field(endpoint, key, value); !read)
            return bad(text, read.error().what);
    if (endpoint.network.empty()) return bad(text, "name= is missing");
    return endpoint;
}

Result<bj::object> endpoint_settings(const EndpointOptions& o) {
    bj::object addresses, settings;
    put(addresses, "IPv4Address", o.ip);
    put(addresses, "IPv6Address", o.ip6);
    put(addresses, "LinkLocalIPs", o.link_local);
    if (!addresses.empty()) settings["IPAMConfig"] = std::move(addresses);
    if (auto options = TRY(pairs_of("driver-opt", o.driver_options)); !options.empty())
        settings["DriverOpts"] = std::move(options);
    put(settings, "Aliases", o.aliases);
    put(settings, "Links", o.links);
    put(settings, "MacAddress", o.mac);
    if (o.gateway_priority) settings["GwPriority"] = *o.gateway_priority;
    return settings;
}

Result<bj::object> network_endpoints(const ContainerOptions& o, bj::object& host) {
    bj::object endpoints;
    bool first = true, user_defined = false, other = false;
    for (const auto& text : o.networks.empty() ? Strings{"default"} : o.networks) {
        auto endpoint = TRY(parse_network(text));
        const bool own = is_user_defined(endpoint.network);
        (own ? user_defined : other) = true;
        if (std::exchange(first, false)) {
            if (!o.networks.empty()) host["NetworkMode"] = view::text(endpoint.network);
            TRY(put_first(endpoint, o));
            // On a network of the user's a link is one more name in it; on the default network it
            // is the container's.
            if (own)
                endpoint.links = o.links;
            else
                put(host, "Links", o.links);
        }
        if (!own && !endpoint.aliases.empty())
            return fail(Code::invalid,
                        "network-scoped aliases are only supported for user-defined networks");
        if (endpoints.contains(endpoint.network))
            return fail(Code::invalid, "network \"", endpoint.network,
                        "\" is specified multiple times");
        endpoints[endpoint.network] = TRY(endpoint_settings(endpoint));
    }
    if (user_defined && other)
        return fail(Code::invalid,
                    "conflicting options: cannot attach both user-defined and non-user-defined "
                    "network-modes");
    // A mode alone needs no endpoint.
    if (endpoints.size() == 1 && endpoints.begin()->value().get_object().empty()) endpoints.clear();
    return endpoints;
}

}  // namespace davit::cli
