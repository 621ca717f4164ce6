// SPDX-License-Identifier: Apache-2.0
// `check` and `retain`: what is in force against what should be.
#include "bridge_driver.hpp"
#include "network_link.hpp"
#include "sdk/endpoint/finding.hpp"
#include "sdk/endpoint/interface.hpp"
#include "sdk/netlink/nft_dump.hpp"

#include <algorithm>
#include <set>

namespace davit::bridge {
namespace {

// The two lines that let packets of our bridges pass a chain with policy drop.
std::string mending_lines(const sdk::DroppingChain& chain, const std::string& link) {
    const std::string rule =
        "nft insert rule " + chain.family + " " + chain.table + " " + chain.name;
    return rule + " iifname \"" + link + "\" accept; " + rule + " oifname \"" + link + "\" accept";
}

}  // namespace

Result<void> BridgeDriver::check(const sdk::Call& call, const davit_network_key& request) {
    const std::string key = sdk::text(request.network);
    if (!key.empty()) {
        const Network network = TRY(find_network(key));
        TRY(check_network(call, network));
    } else {
        for (const Network& network : networks()) TRY(check_network(call, network));
    }
    TRY(check_firewall(call));
    return check_others(call);
}

Result<void> BridgeDriver::check_network(const sdk::Call& call, const Network& network) {
    const std::string& key = network.settings.key;
    const RaisedBridge raised = TRY(raise_bridge(network.settings, bridge_alias(key)));
    {
        const std::lock_guard lock(mutex_);
        if (const auto at = networks_.find(key); at != networks_.end())
            at->second.index = raised.index;
    }
    for (const std::string& words : raised.mended)
        TRY(sdk::emit_network_finding(call, key, "bridge " + network.settings.link + ": " + words,
                                      true));
    for (const std::string& path : TRY(switch_forwarding_on(network.settings)))
        TRY(sdk::emit_network_finding(call, key,
                                      path + " was off: the host did not forward packets", true));
    return {};
}

Result<void> BridgeDriver::check_firewall(const sdk::Call& call) {
    const auto differences = TRY(firewall_.differences());
    if (differences.empty()) return {};
    TRY(firewall_.restore());
    for (const std::string& words : differences)
        TRY(sdk::emit_network_finding(call, firewall_.table(), words, true));
    return {};
}

// A packet must be accepted by every table: what another one drops, ours cannot let through.
Result<void> BridgeDriver::check_others(const sdk::Call& call) {
    std::vector<std::string> links;
    for (const Network& network : networks())
        if (!network.settings.internal) links.push_back(network.settings.link);
    for (const std::string& link : links) {
        for (const sdk::DroppingChain& chain :
             TRY(sdk::dropping_forward_chains(firewall_.table(), {link})))
            TRY(sdk::emit_network_finding(call, link,
                                          "chain " + chain.name + " of table " + chain.family +
                                              " " + chain.table +
                                              " drops forwarded packets of bridge " + link +
                                              "; to let them pass: " + mending_lines(chain, link),
                                          false));
    }
    return {};
}

Result<void> BridgeDriver::retain(const sdk::Call& call, const davit_network_retain& request) {
    TRY(retain_networks(call, request));
    TRY(retain_endpoints(call, request));
    TRY(check_firewall(call));
    return check_others(call);
}

Result<void> BridgeDriver::retain_networks(const sdk::Call& call,
                                           const davit_network_retain& request) {
    std::set<std::string> live;
    for (std::uint64_t i = 0; i < request.network_count; ++i)
        live.insert(sdk::text(request.networks[i]));
    for (const Network& network : networks()) {
        if (live.contains(network.settings.key)) continue;
        TRY(forget_network(network));
        TRY(sdk::emit_network_finding(call, network.settings.key,
                                      "network was not in use any more: removed", true));
    }
    for (const std::string& key : live) {
        const auto network = find_network(key);
        if (network)
            TRY(check_network(call, *network));
        else
            TRY(sdk::emit_network_finding(
                call, key, "its settings are lost: remove the network and create it again", false));
    }
    // Bridges of ours that no settings belong to.
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const std::string prefix = bridge_alias("");
    for (const sdk::Link& link : TRY(sdk::list_links(socket))) {
        if (!link.alias.starts_with(prefix) || live.contains(link.alias.substr(prefix.size())))
            continue;
        TRY(remove_bridge(link.name, link.alias));
        TRY(sdk::emit_network_finding(call, link.name, "bridge was not in use any more: removed",
                                      true));
    }
    return {};
}

Result<void> BridgeDriver::retain_endpoints(const sdk::Call& call,
                                            const davit_network_retain& request) {
    std::map<EndpointId, Endpoint> known, kept;
    {
        const std::lock_guard lock(mutex_);
        known = endpoints_;
    }
    std::vector<PortRule> ports;
    for (std::uint64_t i = 0; i < request.endpoint_count; ++i) {
        const davit_endpoint_live& live = request.endpoints[i];
        const EndpointId id{sdk::text(live.network), sdk::text(live.endpoint)};
        const auto at = known.find(id);
        if (at == known.end()) {
            TRY(sdk::emit_network_finding(call, id.endpoint,
                                          "its link is gone: restart the container", false));
            continue;
        }
        std::vector<sdk::Prefix> addresses;
        for (std::uint64_t j = 0; j < live.address_count; ++j)
            addresses.push_back(sdk::prefix_of(live.addresses[j]));
        at->second.published.assign(live.ports, live.ports + live.port_count);
        at->second.addresses = addresses;
        at->second.ports = port_rules(live.ports, live.port_count, addresses);
        if (const auto network = find_network(id.network); network && network->settings.internal)
            at->second.ports.clear();
        ports.insert(ports.end(), at->second.ports.begin(), at->second.ports.end());
        kept[id] = at->second;
    }
    firewall_.keep_ports(ports);
    for (const auto& [id, endpoint] : known) {
        if (kept.contains(id)) continue;
        reaper_.remove(endpoint.host_index, endpoint_alias(id), std::chrono::milliseconds(0));
        TRY(sdk::emit_network_finding(call, id.endpoint,
                                      "endpoint was not in use any more: removed", true));
    }
    const std::lock_guard lock(mutex_);
    endpoints_ = std::move(kept);
    return {};
}

}  // namespace davit::bridge
