// SPDX-License-Identifier: Apache-2.0
#include "core/network/endpoint_json.hpp"

#include "core/network/addresses.hpp"
#include "core/network/networks.hpp"
#include "sdk/base/json.hpp"
#include "sdk/netlink/address.hpp"

#include <boost/json.hpp>

namespace davit::network {

namespace {

namespace bj = boost::json;

bj::array array_of(const std::vector<std::string>& strings) {
    return bj::array(strings.begin(), strings.end());
}

bj::value array_or_null(const std::vector<std::string>& strings) {
    return strings.empty() ? bj::value(nullptr) : bj::value(array_of(strings));
}

// One address without a prefix length.
Result<std::string> read_address(const bj::object& object, const char* key, std::uint8_t family) {
    const std::string text = TRY(json::get_string(object, key, ""));
    if (text.empty()) return text;
    const auto parsed = sdk::parse_prefix(text);
    if (!parsed || parsed->family != family || text.find('/') != std::string::npos)
        return fail(Code::invalid, "invalid endpoint settings: invalid IPv", std::to_string(family),
                    " address: ", text);
    return sdk::address_text(*parsed);
}

Result<void> read_ipam(const bj::object& settings, EndpointSettings& wanted) {
    const auto* ipam = TRY(json::get_object(settings, "IPAMConfig"));
    if (ipam == nullptr) return {};
    wanted.address4 = TRY(read_address(*ipam, "IPv4Address", 4));
    wanted.address6 = TRY(read_address(*ipam, "IPv6Address", 6));
    if (!TRY(json::get_strings(*ipam, "LinkLocalIPs")).empty())
        return fail(Code::unsupported,
                    "connect to network: IPAMConfig.LinkLocalIPs is not supported yet");
    return {};
}

bj::value ipam_json(const EndpointSettings& settings) {
    bj::object ipam;
    if (!settings.address4.empty()) ipam["IPv4Address"] = settings.address4;
    if (!settings.address6.empty()) ipam["IPv6Address"] = settings.address6;
    return ipam.empty() ? bj::value(nullptr) : bj::value(std::move(ipam));
}

Result<PublishedPort> read_port(const bj::value& value) {
    if (!value.is_object()) return fail(Code::corrupt, "read stored endpoint: a port is no object");
    const bj::object& port = value.get_object();
    return PublishedPort{
        .protocol = TRY(json::require_string(port, "protocol")),
        .host_address = TRY(json::require_string(port, "host_address")),
        .container_port =
            static_cast<std::uint16_t>(TRY(json::require_int(port, "container_port"))),
        .host_port = static_cast<std::uint16_t>(TRY(json::require_int(port, "host_port")))};
}

}  // namespace

Result<EndpointSettings> read_endpoint_settings(const std::string& network,
                                                const bj::object& settings) {
    EndpointSettings wanted{.network = network};
    TRY(read_ipam(settings, wanted));
    wanted.mac = TRY(json::get_string(settings, "MacAddress", ""));
    if (!wanted.mac.empty()) TRY(parse_mac(wanted.mac));
    wanted.aliases = TRY(json::get_strings(settings, "Aliases"));
    wanted.links = TRY(json::get_strings(settings, "Links"));
    wanted.gateway_priority = TRY(json::get_int(settings, "GwPriority", 0));
    if (const auto* options = TRY(json::get_object(settings, "DriverOpts")))
        for (const auto& [key, value] : *options) {
            if (!value.is_string())
                return fail(Code::invalid, "invalid endpoint settings: DriverOpts.",
                            std::string(key), ": expected a string");
            wanted.driver_options.emplace(key, std::string(value.get_string()));
        }
    return wanted;
}

bj::object settings_json(const EndpointSettings& settings) {
    bj::value options(nullptr);
    if (!settings.driver_options.empty()) {
        bj::object& object = options.emplace_object();
        for (const auto& [key, value] : settings.driver_options) object[key] = value;
    }
    return {{"IPAMConfig", ipam_json(settings)},
            {"Links", array_or_null(settings.links)},
            {"Aliases", array_or_null(settings.aliases)},
            {"MacAddress", settings.mac},
            {"DriverOpts", std::move(options)},
            {"GwPriority", settings.gateway_priority},
            {"NetworkID", settings.network_id}};
}

bj::object shown_endpoint(const EndpointSettings& settings, const Endpoint* endpoint) {
    static const Endpoint kNone;
    const Endpoint& live = endpoint != nullptr ? *endpoint : kNone;
    bj::object shown = settings_json(settings);
    if (endpoint != nullptr) {
        shown["MacAddress"] = live.mac;
        shown["NetworkID"] = live.network_id;
    }
    shown["EndpointID"] = live.id;
    shown["Gateway"] = live.gateway;
    shown["IPAddress"] = live.address;
    shown["IPPrefixLen"] = live.prefix;
    shown["IPv6Gateway"] = live.gateway6;
    shown["GlobalIPv6Address"] = live.address6;
    shown["GlobalIPv6PrefixLen"] = live.prefix6;
    // On the default network nobody is found by name.
    shown["DNSNames"] =
        live.network == kDefaultName ? bj::value(nullptr) : array_or_null(live.names);
    return shown;
}

bj::object endpoint_json(const Endpoint& endpoint) {
    bj::array ports;
    for (const auto& port : endpoint.ports)
        ports.push_back(bj::object{{"protocol", port.protocol},
                                   {"host_address", port.host_address},
                                   {"container_port", port.container_port},
                                   {"host_port", port.host_port}});
    return {{"id", endpoint.id},
            {"network", endpoint.network},
            {"network_id", endpoint.network_id},
            {"interface", endpoint.interface},
            {"mac", endpoint.mac},
            {"address", endpoint.address},
            {"gateway", endpoint.gateway},
            {"prefix", endpoint.prefix},
            {"address6", endpoint.address6},
            {"gateway6", endpoint.gateway6},
            {"prefix6", endpoint.prefix6},
            {"default_route", endpoint.default_route},
            {"gateway_priority", endpoint.gateway_priority},
            {"names", array_of(endpoint.names)},
            {"links", array_of(endpoint.links)},
            {"ports", std::move(ports)}};
}

Result<Endpoint> read_endpoint(const bj::object& object) {
    Endpoint endpoint{.id = TRY(json::require_string(object, "id")),
                      .network = TRY(json::require_string(object, "network")),
                      .network_id = TRY(json::require_string(object, "network_id")),
                      .container = "",
                      .interface = TRY(json::require_string(object, "interface")),
                      .mac = TRY(json::require_string(object, "mac")),
                      .address = TRY(json::require_string(object, "address")),
                      .gateway = TRY(json::require_string(object, "gateway")),
                      .prefix = static_cast<int>(TRY(json::require_int(object, "prefix"))),
                      .address6 = TRY(json::get_string(object, "address6", "")),
                      .gateway6 = TRY(json::get_string(object, "gateway6", ""))};
    endpoint.prefix6 = static_cast<int>(TRY(json::get_int(object, "prefix6", 0)));
    // Until endpoints had rows of their own, a container had one, and that was its way out.
    endpoint.default_route = TRY(json::get_bool(object, "default_route", true));
    endpoint.gateway_priority = TRY(json::get_int(object, "gateway_priority", 0));
    endpoint.names = TRY(json::get_strings(object, "names"));
    endpoint.links = TRY(json::get_strings(object, "links"));
    const auto* ports = TRY(json::get_array(object, "ports"));
    if (ports == nullptr) return endpoint;
    for (const bj::value& port : *ports) endpoint.ports.push_back(TRY(read_port(port)));
    return endpoint;
}

}  // namespace davit::network
