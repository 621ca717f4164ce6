// SPDX-License-Identifier: Apache-2.0
// A network instance as core sees it: the C table of davit/network.h as a C++ object, once.
// Copyable (shares the instance); thread-safe as far as the table's thread tags say.
#pragma once

#include "core/plugin/instance.hpp"
#include "core/plugin/storage.hpp"  // Finding
#include "davit/network.h"
#include "sdk/base/result.hpp"
#include "sdk/plugin/caller.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace davit::plugin {

using MacAddress = std::array<std::uint8_t, 6>;

struct NetworkSpec {
    std::string key, options = "{}", link;
    davit_address gateway4{}, gateway6{};
    std::uint32_t mtu = 0, flags = 0;
};

struct EndpointSpec {
    std::string network, endpoint, interface, interface_prefix = "eth", options = "{}";
    int netns = -1;  // borrowed
    MacAddress mac{};
    std::uint32_t flags = 0, mtu = 0;
    std::vector<davit_address> addresses;
    davit_address gateway4{}, gateway6{};
    std::vector<davit_port> ports;
};

struct Attached {
    std::uint32_t index = 0;
    std::string interface;
    MacAddress mac{};
};

struct LiveEndpoint {
    std::string network, endpoint;
    std::vector<davit_address> addresses;
    std::vector<davit_port> ports;
};

class Network {
public:
    static Result<Network> of(std::shared_ptr<Instance> instance);
    const std::string& instance() const { return instance_->name(); }

    // The name of the network's link on the host; may be empty.
    Result<std::string> create_network(sdk::Caller& call, const NetworkSpec& spec) const;
    Result<void> remove_network(sdk::Caller& call, const std::string& network) const;
    Result<Attached> attach(sdk::Caller& call, const EndpointSpec& spec) const;
    // netns -1: the sandbox is gone or going.
    Result<void> detach(sdk::Caller& call, const std::string& network, const std::string& endpoint,
                        int netns) const;
    Result<std::vector<Finding>> check(sdk::Caller& call, const std::string& network) const;
    Result<std::vector<Finding>> retain(sdk::Caller& call, const std::vector<std::string>& networks,
                                        const std::vector<LiveEndpoint>& endpoints) const;

private:
    Network(std::shared_ptr<Instance> instance, const davit_network* table)
        : instance_(std::move(instance)), table_(table) {}
    std::shared_ptr<Instance> instance_;
    const davit_network* table_;
};

}  // namespace davit::plugin
