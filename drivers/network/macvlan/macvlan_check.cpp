// SPDX-License-Identifier: Apache-2.0
// `check` and `retain`: what is there against what should be.
#include "endpoint.hpp"
#include "macvlan_driver.hpp"
#include "sdk/endpoint/finding.hpp"

#include <set>

namespace davit::macvlan {

Result<void> MacvlanDriver::check(const sdk::Call& call, const davit_network_key& request) {
    const std::string key = sdk::text(request.network);
    if (!key.empty()) TRY(find_network(key));
    for (const NetworkSettings& settings : networks()) {
        if (!key.empty() && settings.key != key) continue;
        TRY(check_parent(call, settings));
        TRY(check_endpoints(call, settings.key));
    }
    return {};
}

// What the driver made it makes again; what is the operator's it only speaks of.
Result<void> MacvlanDriver::check_parent(const sdk::Call& call, const NetworkSettings& settings) {
    const auto raised = raise_parent(settings, parent_alias(settings.parent));
    if (!raised)
        return sdk::emit_network_finding(call, settings.key,
                                         raised.error().what + "; the network waits for it", false);
    if (!raised->mended.empty())
        return sdk::emit_network_finding(call, settings.key,
                                         "parent " + settings.parent + " " + raised->mended, true);
    if (!raised->link.up)
        return sdk::emit_network_finding(
            call, settings.key,
            "parent " + settings.parent + " is down: ip link set " + settings.parent + " up",
            false);
    return {};
}

// Of a sandbox that is gone nothing is missed: its detach is on the way.
Result<void> MacvlanDriver::check_endpoints(const sdk::Call& call, const std::string& network) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    for (const EndpointRecord& record : endpoints()) {
        if (record.network != network || record.sandbox < 0) continue;
        if (TRY(find_endpoint(socket, record, endpoint_alias(record)))) continue;
        if (!has_sandbox(socket, record) || !find_record({record.network, record.endpoint}))
            continue;
        TRY(sdk::emit_network_finding(call, record.endpoint,
                                      "its link is gone: restart the container", false));
    }
    return {};
}

Result<void> MacvlanDriver::retain(const sdk::Call& call, const davit_network_retain& request) {
    TRY(retain_endpoints(call, request));  // first: they lie on the networks' parents
    return retain_networks(call, request);
}

Result<void> MacvlanDriver::retain_networks(const sdk::Call& call,
                                            const davit_network_retain& request) {
    std::set<std::string> live;
    for (std::uint64_t i = 0; i < request.network_count; ++i)
        live.insert(sdk::text(request.networks[i]));
    for (const NetworkSettings& settings : networks()) {
        if (live.contains(settings.key)) {
            TRY(check_parent(call, settings));
            continue;
        }
        TRY(forget_network(settings));
        TRY(sdk::emit_network_finding(call, settings.key,
                                      "network was not in use any more: removed", true));
    }
    for (const std::string& key : live)
        if (!find_network(key))
            TRY(sdk::emit_network_finding(
                call, key, "its settings are lost: remove the network and create it again", false));
    return {};
}

Result<void> MacvlanDriver::retain_endpoints(const sdk::Call& call,
                                             const davit_network_retain& request) {
    std::set<EndpointId> live;
    for (std::uint64_t i = 0; i < request.endpoint_count; ++i)
        live.insert(
            {sdk::text(request.endpoints[i].network), sdk::text(request.endpoints[i].endpoint)});
    for (const EndpointRecord& record : endpoints()) {
        if (live.contains({record.network, record.endpoint})) continue;
        TRY(forget_endpoint(record));
        TRY(sdk::emit_network_finding(call, record.endpoint,
                                      "endpoint was not in use any more: removed", true));
    }
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    for (const EndpointId& id : live) {
        const auto record = find_record(id);
        if (record && TRY(find_endpoint(socket, *record, endpoint_alias(*record)))) continue;
        TRY(sdk::emit_network_finding(call, id.endpoint, "its link is gone: restart the container",
                                      false));
    }
    return {};
}

}  // namespace davit::macvlan
