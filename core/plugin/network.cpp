// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/network.hpp"

#include <algorithm>
#include <utility>

namespace davit::plugin {

using sdk::sized;
using sdk::str;
using sdk::text;

Result<Network> Network::of(std::shared_ptr<Instance> instance) {
    const auto* table = instance->get<davit_network>(DAVIT_NETWORK);
    if (table == nullptr)
        return fail(Code::unsupported, "use ", instance->name(), ": it does not offer ",
                    DAVIT_NETWORK);
    return Network(std::move(instance), table);
}

Result<std::string> Network::create_network(sdk::Caller& call, const NetworkSpec& spec) const {
    auto request = sized<davit_network_create>();
    request.network = str(spec.key);
    request.options = str(spec.options);
    request.link = str(spec.link);
    request.gateway4 = spec.gateway4;
    request.gateway6 = spec.gateway6;
    request.mtu = spec.mtu;
    request.flags = spec.flags;
    const auto out = TRY(call.ask(table_->create_network, instance_->raw(), request));
    return std::string(out.link, ::strnlen(out.link, sizeof out.link));
}

Result<void> Network::remove_network(sdk::Caller& call, const std::string& network) const {
    auto request = sized<davit_network_key>();
    request.network = str(network);
    return call.tell(table_->remove_network, instance_->raw(), request);
}

Result<Attached> Network::attach(sdk::Caller& call, const EndpointSpec& spec) const {
    auto request = sized<davit_endpoint_attach>();
    request.netns_fd = spec.netns;
    request.network = str(spec.network);
    request.endpoint = str(spec.endpoint);
    request.interface = str(spec.interface);
    request.interface_prefix = str(spec.interface_prefix);
    std::copy(spec.mac.begin(), spec.mac.end(), request.mac);
    request.flags = spec.flags;
    request.mtu = spec.mtu;
    request.addresses = spec.addresses.data();
    request.address_count = spec.addresses.size();
    request.gateway4 = spec.gateway4;
    request.gateway6 = spec.gateway6;
    request.ports = spec.ports.data();
    request.port_count = spec.ports.size();
    request.options = str(spec.options);
    const auto out = TRY(call.ask(table_->attach, instance_->raw(), request));
    Attached attached{.index = out.index,
                      .interface = {out.interface, ::strnlen(out.interface, sizeof out.interface)}};
    std::copy(std::begin(out.mac), std::end(out.mac), attached.mac.begin());
    return attached;
}

Result<void> Network::detach(sdk::Caller& call, const std::string& network,
                             const std::string& endpoint, int netns) const {
    auto request = sized<davit_endpoint_detach>();
    request.netns_fd = netns;
    request.network = str(network);
    request.endpoint = str(endpoint);
    return call.tell(table_->detach, instance_->raw(), request);
}

namespace {

auto collect(std::vector<Finding>& findings) {
    return [&findings](const davit_network_finding& finding) {
        findings.push_back({text(finding.object), text(finding.text), finding.repaired != 0});
    };
}

}  // namespace

Result<std::vector<Finding>> Network::check(sdk::Caller& call, const std::string& network) const {
    auto request = sized<davit_network_key>();
    request.network = str(network);
    std::vector<Finding> findings;
    TRY(call.list<davit_network_finding>(table_->check, instance_->raw(), request,
                                         collect(findings)));
    return findings;
}

Result<std::vector<Finding>> Network::retain(sdk::Caller& call,
                                             const std::vector<std::string>& networks,
                                             const std::vector<LiveEndpoint>& endpoints) const {
    std::vector<davit_str> keys;
    for (const auto& network : networks) keys.push_back(str(network));
    std::vector<davit_endpoint_live> live;
    for (const auto& endpoint : endpoints)
        live.push_back({str(endpoint.network), str(endpoint.endpoint), endpoint.addresses.data(),
                        endpoint.addresses.size(), endpoint.ports.data(), endpoint.ports.size()});
    auto request = sized<davit_network_retain>();
    request.networks = keys.data();
    request.network_count = keys.size();
    request.endpoints = live.data();
    request.endpoint_count = live.size();
    std::vector<Finding> findings;
    TRY(call.list<davit_network_finding>(table_->retain, instance_->raw(), request,
                                         collect(findings)));
    return findings;
}

}  // namespace davit::plugin
