// SPDX-License-Identifier: Apache-2.0
// Network driver "bridge": a Linux bridge for each network, a veth pair for each endpoint, packet
// rules in one nftables table for all (firewall.hpp). Thread-safe as davit/network.h's thread tags
// ask.
//
// What survives the daemon: links and rules in the kernel, each link with an alias that names
// engine, network and endpoint; the settings of networks as files of the state directory. From
// these `open` knows everything again.
#pragma once

#include "endpoint.hpp"
#include "firewall.hpp"
#include "network_settings.hpp"
#include "reaper.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/plugin/network_driver.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace davit::bridge {

class BridgeDriver final : public sdk::NetworkDriver {
public:
    static Result<std::unique_ptr<sdk::NetworkDriver>> open(const sdk::Call& call,
                                                            const davit_open& request);
    static Result<void> probe(const sdk::Call& call, const davit_open& request);

    Result<davit_network_created> create_network(const sdk::Call& call,
                                                 const davit_network_create& request) override;
    Result<void> remove_network(const sdk::Call& call, const davit_network_key& request) override;
    Result<davit_endpoint_attached> attach(const sdk::Call& call,
                                           const davit_endpoint_attach& request) override;
    Result<void> detach(const sdk::Call& call, const davit_endpoint_detach& request) override;
    Result<void> check(const sdk::Call& call, const davit_network_key& request) override;
    Result<void> retain(const sdk::Call& call, const davit_network_retain& request) override;
    Result<davit_endpoint_stats> stats(const sdk::Call& call,
                                       const davit_endpoint_key& request) override;

private:
    struct Network {
        NetworkSettings settings;
        int index = 0;  // of the bridge; 0: not there
    };
    struct EndpointId {
        std::string network, endpoint;
        auto operator<=>(const EndpointId&) const = default;
    };
    struct Endpoint {
        std::string host_name;  // of the end on the host
        int host_index = 0;     // 0: attach is under way
        std::vector<PortRule> ports;
        std::vector<davit_port> published;  // as asked for
        std::vector<sdk::Prefix> addresses;
    };

    BridgeDriver(Fd state, std::string scope, sdk::NftSocket socket);
    Result<void> load();
    Result<Network> find_network(const std::string& key) const;
    Result<davit_network_created> answer(const Network& network, bool existed) const;
    Result<Network> put_network(const sdk::Call& call, const NetworkSettings& settings);
    Result<void> forget_network(const Network& network);
    Result<void> choose_link_name(NetworkSettings& settings) const;
    Result<EndpointLink> connect_somehow(const sdk::Call& call, EndpointPlan& plan,
                                         const EndpointId& id);
    // Findings of `check` and `retain`.
    Result<void> check_network(const sdk::Call& call, const Network& network);
    Result<void> check_firewall(const sdk::Call& call);
    Result<void> check_others(const sdk::Call& call);
    Result<void> retain_networks(const sdk::Call& call, const davit_network_retain& request);
    Result<void> retain_endpoints(const sdk::Call& call, const davit_network_retain& request);
    std::vector<Network> networks() const;
    std::string bridge_alias(const std::string& network) const;
    std::string endpoint_alias(const EndpointId& id) const;

    const Fd state_;
    const std::string scope_;
    Firewall firewall_;
    Reaper reaper_;
    mutable std::mutex mutex_;  // guards the two maps; never held during a request to the kernel
    std::map<std::string, Network> networks_;
    std::map<EndpointId, Endpoint> endpoints_;
};

}  // namespace davit::bridge
