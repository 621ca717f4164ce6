// SPDX-License-Identifier: Apache-2.0
#include "core/container/networking.hpp"

#include "core/container/create_fields.hpp"
#include "core/network/endpoint_json.hpp"
#include "core/network/networks.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace davit::container {

namespace {

namespace bj = boost::json;
using network::EndpointSettings;

constexpr std::string_view kContainerMode = "container:";

Result<const bj::object*> endpoints_of(const bj::object& body) {
    const auto* networking = TRY(json::get_object(body, "NetworkingConfig"));
    return networking == nullptr ? Result<const bj::object*>(nullptr)
                                 : json::get_object(*networking, "EndpointsConfig");
}

Result<EndpointSettings> read_one(std::string name, const bj::value& value) {
    static const bj::object kNothing;
    if (!value.is_null() && !value.is_object())
        return fail(Code::invalid,
                    "create container: NetworkingConfig.EndpointsConfig: expected objects");
    if (name == "default") name = network::kDefaultName;
    return network::read_endpoint_settings(name, value.is_null() ? kNothing : value.get_object());
}

}  // namespace

bool has_own_networks(std::string_view mode) {
    return mode != "none" && mode != "host" && !mode.starts_with(kContainerMode);
}

std::string shared_with(std::string_view mode) {
    if (!mode.starts_with(kContainerMode)) return "";
    return std::string(mode.substr(kContainerMode.size()));
}

Result<std::vector<EndpointSettings>> read_networking(const bj::object& body,
                                                      const std::string& mode) {
    std::vector<EndpointSettings> networks;
    if (const auto* endpoints = TRY(endpoints_of(body)))
        for (const auto& [name, value] : *endpoints) {
            if (!has_own_networks(mode) && (name == mode || says_nothing(value))) continue;
            networks.push_back(TRY(read_one(name, value)));
        }
    if (!has_own_networks(mode)) {
        if (networks.empty()) return networks;
        return fail(Code::invalid,
                    "conflicting options: cannot attach both user-defined and "
                    "non-user-defined network-modes");
    }
    // Docker: endpoints that are spelled out replace the default network, but not one that was
    // named.
    const auto named = std::find_if(networks.begin(), networks.end(),
                                    [&](const auto& one) { return one.network == mode; });
    if (named != networks.end())
        std::rotate(networks.begin(), named, std::next(named));
    else if (networks.empty() || mode != network::kDefaultName)
        networks.insert(networks.begin(), EndpointSettings{.network = mode});
    // Older clients give the address of the first interface for the whole container.
    const std::string mac = TRY(json::get_string(body, "MacAddress", ""));
    if (!mac.empty() && networks.front().mac.empty())
        networks.front().mac =
            TRY(read_one(networks.front().network, bj::object{{"MacAddress", mac}})).mac;
    return networks;
}

}  // namespace davit::container
