// SPDX-License-Identifier: Apache-2.0
// Network driver "macvlan": each endpoint is a link of its own in the LAN of a parent link of the
// host. Thread-safe as davit/network.h's thread tags ask.
//
// What survives the daemon: links in sandboxes; settings of networks and records of endpoints as
// files of the state directory, written before the link is made. From these `open` knows everything
// again.
#pragma once

#include "endpoint_record.hpp"
#include "network_settings.hpp"
#include "parent.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/plugin/network_driver.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace davit::macvlan {

class MacvlanDriver final : public sdk::NetworkDriver {
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
    struct EndpointId {
        std::string network, endpoint;
        auto operator<=>(const EndpointId&) const = default;
    };
    // Where settings and records lie.
    struct State {
        Fd networks, endpoints;
    };

    MacvlanDriver(State state, std::string scope, std::string instance);
    Result<void> load();
    Result<NetworkSettings> find_network(const std::string& key) const;
    Result<EndpointRecord> find_record(const EndpointId& id) const;
    std::vector<NetworkSettings> networks() const;
    std::vector<EndpointRecord> endpoints() const;
    Result<void> check_parent_is_free(const NetworkSettings& settings) const;
    Result<void> put_network(const NetworkSettings& settings);
    Result<void> forget_network(const NetworkSettings& settings);
    Result<void> forget_endpoint(const EndpointRecord& record);
    Result<sdk::Link> parent_in_service(const NetworkSettings& settings) const;
    Result<sdk::Link> join(const davit_endpoint_attach& request, const NetworkSettings& settings,
                           EndpointRecord& record);
    // Findings of `check` and `retain`.
    Result<void> check_parent(const sdk::Call& call, const NetworkSettings& settings);
    Result<void> check_endpoints(const sdk::Call& call, const std::string& network);
    Result<void> retain_networks(const sdk::Call& call, const davit_network_retain& request);
    Result<void> retain_endpoints(const sdk::Call& call, const davit_network_retain& request);
    std::string parent_alias(const std::string& parent) const;
    std::string endpoint_alias(const EndpointRecord& record) const;

    const State state_;
    const std::string scope_;
    const std::string owner_;   // "davit/<scope>/<instance>/": how every alias of ours begins
    mutable std::mutex mutex_;  // guards the two maps; never held during a request to the kernel
    std::map<std::string, NetworkSettings> networks_;
    std::map<EndpointId, EndpointRecord> endpoints_;
};

}  // namespace davit::macvlan
