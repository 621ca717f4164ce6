// SPDX-License-Identifier: Apache-2.0
#include "firewall.hpp"

#include "sdk/endpoint/interface.hpp"
#include "sdk/netlink/conntrack.hpp"
#include "sdk/netlink/nft_dump.hpp"

#include <netinet/in.h>
#include <algorithm>

namespace davit::bridge {
namespace {

using sdk::NftElement;
using sdk::NftValue;

constexpr const char* kPortMaps[] = {kPorts4, kPorts6, kPortsAt4, kPortsAt6};

void add_subnet(std::map<std::string, std::vector<NftElement>>& elements, const char* set,
                const sdk::Prefix& subnet) {
    for (NftElement& element : sdk::subnet_elements(subnet))
        elements[set].push_back(std::move(element));
}

// What one network puts into the sets.
std::map<std::string, std::vector<NftElement>> elements_of(const NetworkSettings& network) {
    std::map<std::string, std::vector<NftElement>> elements;
    const NftElement link{.key = NftValue().link(network.link)};
    elements[kBridges].push_back(link);
    if (network.icc)
        elements[kIntra].push_back({.key = NftValue().link(network.link).link(network.link)});
    if (network.internal) elements[kInternal].push_back(link);
    if (network.unprotected) elements[kOpen].push_back(link);
    const bool leaves = network.masquerade && !network.internal;
    if (network.gateway4.family != 0) add_subnet(elements, kSubnets4, network.gateway4);
    if (network.gateway4.family != 0 && leaves)
        add_subnet(elements, kMasquerade4, network.gateway4);
    if (network.gateway6.family != 0) add_subnet(elements, kSubnets6, network.gateway6);
    if (network.gateway6.family != 0 && leaves)
        add_subnet(elements, kMasquerade6, network.gateway6);
    return elements;
}

PortRule port_rule(const davit_port& port, const sdk::Prefix& container) {
    const sdk::Prefix host = sdk::prefix_of(port.host);
    PortRule rule;
    NftValue key = NftValue().protocol(port.protocol);
    if (host.family != 0) key.address(host);
    rule.element.key = key.port(port.host_port);
    rule.element.data = NftValue().address(container).port(port.container_port);
    if (host.family == 0)
        rule.set = container.family == 4 ? kPorts4 : kPorts6;
    else
        rule.set = container.family == 4 ? kPortsAt4 : kPortsAt6;
    return rule;
}

bool is_unspecified(const davit_address& address) {
    return std::all_of(std::begin(address.bytes), std::end(address.bytes),
                       [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

std::vector<PortRule> port_rules(const davit_port* ports, std::size_t count,
                                 const std::vector<sdk::Prefix>& addresses) {
    std::vector<PortRule> rules;
    for (std::size_t i = 0; i < count; ++i) {
        for (const std::uint8_t family : {std::uint8_t{4}, std::uint8_t{6}}) {
            davit_port port = ports[i];
            if (port.host.family != 0 && port.host.family != family) continue;
            if (is_unspecified(port.host))
                port.host.family = 0;  // 0.0.0.0: every address of this family
            const auto to =
                std::find_if(addresses.begin(), addresses.end(),
                             [&](const sdk::Prefix& address) { return address.family == family; });
            if (to != addresses.end()) rules.push_back(port_rule(port, *to));
        }
    }
    return rules;
}

Result<void> Firewall::adopt(const std::vector<NetworkSettings>& networks) {
    const std::lock_guard lock(mutex_);
    for (const NetworkSettings& network : networks) networks_[network.key] = network;
    for (const char* set : kPortMaps) {
        auto elements = sdk::dump_nft_set(table_, set);
        if (!elements && elements.error().code == Code::not_found) continue;
        for (NftElement& element : TRY(std::move(elements)))
            ports_[set].emplace(element.key.bytes(), std::move(element));
    }
    return {};
}

// A transaction that does not fit what the kernel has (somebody flushed the table, or an element is
// there with another value) tells that the table is not as remembered: then all of it is put in
// place.
Result<void> Firewall::apply(sdk::NftBatch& batch) {
    if (batch.empty()) return {};
    Result<void> done = batch.commit(socket_);
    if (done) return done;
    const Code code = done.error().code;
    if (code == Code::not_found || code == Code::busy || code == Code::exists)
        return restore_locked();
    return done;
}

Result<void> Firewall::add_network(const NetworkSettings& network) {
    const std::lock_guard lock(mutex_);
    const bool first = networks_.empty();
    const auto [at, added] = networks_.insert_or_assign(network.key, network);
    Result<void> done;
    if (first || !added) {
        done = restore_locked();
    } else {
        sdk::NftBatch batch(table_);
        for (const auto& [set, elements] : elements_of(network)) batch.add_elements(set, elements);
        done = apply(batch);
    }
    if (!done && added) networks_.erase(at);
    return done;
}

Result<void> Firewall::remove_network(const NetworkSettings& network) {
    const std::lock_guard lock(mutex_);
    if (networks_.erase(network.key) == 0) return {};
    if (networks_.empty()) return restore_locked();
    sdk::NftBatch batch(table_);
    for (const auto& [set, elements] : elements_of(network)) batch.remove_elements(set, elements);
    return apply(batch);
}

Result<void> Firewall::publish(const std::vector<PortRule>& rules) {
    const std::lock_guard lock(mutex_);
    sdk::NftBatch batch(table_);
    Elements added;
    for (const PortRule& rule : rules) {
        const auto [at, fresh] =
            ports_[rule.set].insert_or_assign(rule.element.key.bytes(), rule.element);
        // One that is there belongs to a container that is gone: the host gave this port to the new
        // one.
        if (!fresh) batch.remove_elements(rule.set, {NftElement{.key = rule.element.key}});
        added[rule.set].push_back(rule.element);
    }
    for (const auto& [set, elements] : added) batch.add_elements(set, elements);
    Result<void> done = apply(batch);
    if (!done)
        for (const PortRule& rule : rules) ports_[rule.set].erase(rule.element.key.bytes());
    return done;
}

// A flow of datagrams goes on as it began: to the host while the port was not published, to a
// container that is gone.
Result<void> Firewall::forget_datagrams(const davit_port* ports, std::size_t count,
                                        const std::vector<sdk::Prefix>& addresses) {
    sdk::FlowMatch match{.protocol = IPPROTO_UDP, .ports = {}, .answered_by = addresses};
    for (std::size_t i = 0; i < count; ++i)
        if (ports[i].protocol == IPPROTO_UDP) match.ports.push_back(ports[i].host_port);
    if (match.ports.empty()) return {};
    const std::lock_guard lock(mutex_);
    TRY(sdk::forget_flows(socket_, match));
    return {};
}

Result<void> Firewall::withdraw(const std::vector<PortRule>& rules) {
    const std::lock_guard lock(mutex_);
    sdk::NftBatch batch(table_);
    Elements removed;
    for (const PortRule& rule : rules) {
        auto& map = ports_[rule.set];
        const auto at = map.find(rule.element.key.bytes());
        if (at == map.end() || !(at->second == rule.element))
            continue;  // another container's by now
        map.erase(at);
        removed[rule.set].push_back({.key = rule.element.key});
    }
    for (const auto& [set, elements] : removed) batch.remove_elements(set, elements);
    return apply(batch);
}

void Firewall::keep_ports(const std::vector<PortRule>& rules) {
    const std::lock_guard lock(mutex_);
    ports_.clear();
    for (const PortRule& rule : rules)
        ports_[rule.set].insert_or_assign(rule.element.key.bytes(), rule.element);
}

Firewall::Elements Firewall::wanted_elements() const {
    Elements all;
    for (const auto& [key, network] : networks_)
        for (auto& [set, elements] : elements_of(network))
            all[set].insert(all[set].end(), elements.begin(), elements.end());
    for (const auto& [set, map] : ports_)
        for (const auto& [key, element] : map) all[set].push_back(element);
    return all;
}

Result<void> Firewall::restore() {
    const std::lock_guard lock(mutex_);
    TRY(restore_locked());
    if (networks_.empty()) return {};
    listing_ = TRY(sdk::dump_nft_table(table_)).rules;
    return {};
}

std::map<std::string, std::vector<std::string>> Firewall::expected_rules() const {
    if (!listing_.empty()) return listing_;
    std::map<std::string, std::vector<std::string>> rules;
    for (const sdk::NftRule& rule : all_rules(table_)) rules[rule.chain()].push_back(rule.text());
    return rules;
}

Result<void> Firewall::restore_locked() {
    sdk::NftBatch batch(table_);
    if (networks_.empty()) {
        batch.remove_table();
        return batch.commit(socket_);
    }
    batch.replace_table();
    for (const sdk::NftSet& set : all_sets()) batch.add_set(set);
    for (const auto& [set, elements] : wanted_elements()) batch.add_elements(set, elements);
    for (const sdk::NftChain& chain : all_chains()) batch.add_chain(chain);
    for (const sdk::NftRule& rule : all_rules(table_)) batch.add_rule(rule);
    return batch.commit(socket_);
}

Result<std::vector<std::string>> Firewall::differences() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    auto dumped = sdk::dump_nft_table(table_);
    if (!dumped && dumped.error().code == Code::not_found) {
        if (!networks_.empty()) found.push_back("table inet " + table_ + " was removed");
        return found;
    }
    const sdk::NftTable in_force = TRY(std::move(dumped));
    if (in_force.rules != expected_rules())
        found.push_back("rules of table inet " + table_ + " were changed");
    std::vector<std::string> chains;
    for (const sdk::NftChain& chain : all_chains()) chains.push_back(sdk::chain_text(chain));
    std::sort(chains.begin(), chains.end());
    if (in_force.chains != chains)
        found.push_back("chains of table inet " + table_ + " were changed");
    Elements wanted = wanted_elements();
    for (const sdk::NftSet& set : all_sets()) {
        auto elements = sdk::dump_nft_set(table_, set.name);
        const bool missing = !elements && elements.error().code == Code::not_found;
        std::vector<NftElement> present =
            missing ? std::vector<NftElement>() : TRY(std::move(elements));
        const auto order = [](const NftElement& a, const NftElement& b) {
            return std::pair(a.key.bytes(), a.interval_end) <
                   std::pair(b.key.bytes(), b.interval_end);
        };
        std::sort(present.begin(), present.end(), order);
        std::sort(wanted[set.name].begin(), wanted[set.name].end(), order);
        if (missing || present != wanted[set.name])
            found.push_back("set " + set.name + " of table inet " + table_ + " was changed");
    }
    return found;
}

}  // namespace davit::bridge
