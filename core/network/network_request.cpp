// SPDX-License-Identifier: Apache-2.0
// What a client asks for when it makes a network, read and checked.
#include "core/network/network_record.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace davit::network {

namespace {

namespace bj = boost::json;

Error bad(std::string_view what) { return fail(Code::invalid, "invalid network config: ", what); }

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// As for containers, but that one letter is enough.
Result<void> check_name(const std::string& name) {
    const bool good = !name.empty() && is_letter_or_digit(name[0]) &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                          return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
                      });
    if (good) return {};
    return fail(Code::invalid, "invalid name: ", name,
                " is invalid, only "
                "[a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
}

Result<void> refuse_unbuilt(const bj::object& body) {
    for (const char* field : {"Ingress", "ConfigOnly"})
        if (TRY(json::get_bool(body, field, false)))
            return fail(Code::unsupported, "create network: ", field, " is not supported yet");
    if (const auto* from = TRY(json::get_object(body, "ConfigFrom")))
        if (!TRY(json::get_string(*from, "Network", "")).empty())
            return fail(Code::unsupported, "create network: ConfigFrom is not supported yet");
    const std::string scope = TRY(json::get_string(body, "Scope", ""));
    if (!scope.empty() && scope != "local")
        return fail(Code::unsupported, "create network: Scope ", scope, " is not supported yet");
    return {};
}

Result<std::map<std::string, std::string>> read_map(const bj::object& body, const char* key) {
    std::map<std::string, std::string> map;
    const auto* object = TRY(json::get_object(body, key));
    if (object == nullptr) return map;
    for (const auto& [name, value] : *object) {
        if (!value.is_string())
            return bad(std::string(key) + "." + std::string(name) + ": expected a string");
        map.emplace(name, std::string(value.get_string()));
    }
    return map;
}

Result<sdk::Prefix> read_subnet(const std::string& text) {
    const auto subnet = sdk::parse_prefix(text);
    if (!subnet || text.find('/') == std::string::npos)
        return bad("invalid subnet " + text + ": invalid CIDR block notation");
    if (!(subnet->network() == *subnet))
        return bad("invalid subnet " + text + ": it should be " +
                   sdk::prefix_text(subnet->network()));
    return subnet;
}

Result<sdk::Prefix> read_range(const std::string& text, const sdk::Prefix& subnet) {
    const auto range = sdk::parse_prefix(text);
    if (!range || text.find('/') == std::string::npos)
        return bad("invalid ip-range " + text + ": invalid CIDR block notation");
    if (!(range->network() == *range))
        return bad("invalid ip-range " + text + ": it should be " +
                   sdk::prefix_text(range->network()));
    if (!subnet.contains(*range))
        return bad("invalid ip-range " + text + ": parent subnet " + sdk::prefix_text(subnet) +
                   " doesn't contain ip-range");
    return range;
}

// An address of the subnet, with its prefix length.
Result<sdk::Prefix> read_address(const char* what, const std::string& text,
                                 const sdk::Prefix& subnet) {
    auto address = sdk::parse_prefix(text.substr(0, text.find('/')));
    if (!address) return bad(std::string("invalid ") + what + " " + text + ": invalid address");
    if (!subnet.contains(*address))
        return bad(std::string("invalid ") + what + " " + text + ": parent subnet " +
                   sdk::prefix_text(subnet) + " doesn't contain this address");
    address->length = subnet.length;
    return address;
}

// Docker passes over a subnet of IPv6 where the network has none of that family.
Result<void> read_pool(const bj::object& pool, NetworkRequest& request) {
    const std::string text = TRY(json::get_string(pool, "Subnet", ""));
    const std::string range = TRY(json::get_string(pool, "IPRange", ""));
    const std::string gateway = TRY(json::get_string(pool, "Gateway", ""));
    if (text.empty()) {
        if (range.empty() && gateway.empty()) return {};
        return bad("no subnet that contains " + (range.empty() ? gateway : range));
    }
    const sdk::Prefix subnet = TRY(read_subnet(text));
    if (!(subnet.family == 4 ? request.ipv4 : request.ipv6)) return {};
    Subnet& wanted = subnet.family == 4 ? request.four : request.six;
    if (wanted.chosen)
        return fail(Code::unsupported, "create network: several subnets of IPv",
                    std::to_string(subnet.family), " are not supported yet");
    wanted = {.subnet = subnet, .gateway = {}, .range = {}, .reserved = {}, .chosen = true};
    if (!range.empty()) wanted.range = TRY(read_range(range, subnet));
    if (!gateway.empty()) wanted.gateway = TRY(read_address("gateway", gateway, subnet));
    for (const auto& [name, address] : TRY(read_map(pool, "AuxiliaryAddresses")))
        wanted.reserved.emplace(name, TRY(read_address("auxiliary address", address, subnet)));
    return {};
}

Result<void> read_ipam(const bj::object& body, NetworkRequest& request) {
    const auto* ipam = TRY(json::get_object(body, "IPAM"));
    if (ipam == nullptr) return {};
    const std::string driver = TRY(json::get_string(*ipam, "Driver", ""));
    if (!driver.empty() && driver != "default")
        return fail(Code::unsupported, "create network: IPAM driver ", driver,
                    " is not supported yet");
    if (const auto* options = TRY(json::get_object(*ipam, "Options")); options && !options->empty())
        return fail(Code::unsupported, "create network: IPAM.Options are not supported yet");
    const auto* pools = TRY(json::get_array(*ipam, "Config"));
    if (pools == nullptr) return {};
    for (const bj::value& pool : *pools) {
        if (!pool.is_object()) return bad("IPAM.Config: expected objects");
        TRY(read_pool(pool.get_object(), request));
    }
    return {};
}

}  // namespace

Result<NetworkRequest> parse_network_request(std::string_view text) {
    const bj::object body = TRY(json::parse_object(text, "network body"));
    TRY(refuse_unbuilt(body));
    NetworkRequest request{.name = TRY(json::get_string(body, "Name", "")),
                           .driver = TRY(json::get_string(body, "Driver", "")),
                           .four = {},
                           .six = {},
                           .internal = TRY(json::get_bool(body, "Internal", false)),
                           .attachable = TRY(json::get_bool(body, "Attachable", false)),
                           .ipv4 = TRY(json::get_bool(body, "EnableIPv4", true)),
                           .ipv6 = TRY(json::get_bool(body, "EnableIPv6", false)),
                           .options = TRY(read_map(body, "Options")),
                           .labels = TRY(read_map(body, "Labels"))};
    TRY(check_name(request.name));
    if (!request.ipv4 && !request.ipv6) return fail(Code::invalid, "IPv4 or IPv6 must be enabled");
    TRY(read_ipam(body, request));
    return request;
}

}  // namespace davit::network
