// SPDX-License-Identifier: Apache-2.0
// The engine's networks: names, addresses and host ports are decided here, packets are the driver's
// (seams rule 5). For now the default bridge network; it is made when the first container needs it.
// Thread-safe.
#pragma once

#include "core/network/endpoint.hpp"
#include "core/plugin/network.hpp"
#include "core/store/database.hpp"
#include "sdk/base/cancel.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace davit::network {

class AddressPool;

struct NetworkSettings {
    std::string scope;           // 8 hex digits that tell this engine from others
    std::string bridge_address;  // --bip: "192.168.7.1/24"; empty: a free subnet of the pools
    std::string
        bridge_link;  // --bridge; empty: davit0, or a name of this engine's own when that is taken
    std::uint32_t mtu = 0;
    struct Pool {
        std::string base;        // "172.17.0.0/16"
        std::uint32_t size = 0;  // bits of a network's prefix
    };
    std::vector<Pool> pools;  // empty: Docker's
    std::function<Result<plugin::Network>(const std::string& instance)>
        driver;  // "" = the default instance
    std::function<void(int level, const std::string& line)> log;
};

// A host port that a container asks for: any of first to last; 0: any free one.
struct PortRequest {
    std::string protocol, host_address;
    std::uint16_t container_port = 0, first = 0, last = 0;
};

struct ConnectRequest {
    std::string container;
    int netns = -1;  // borrowed
    std::vector<PortRequest> ports;
};

// What a connected sandbox holds: the reservations keep others from its host ports while it lives.
struct Connection {
    std::shared_ptr<const Endpoint> endpoint;
    std::vector<Fd> reservations;
};

class Networks {
public:
    static Result<std::unique_ptr<Networks>> open(store::Database& graph, NetworkSettings settings);
    ~Networks();

    // Joins a sandbox to the network. Errors: not_found network; exists when a host port is taken;
    // no_space when no address is free. On failure nothing is left.
    Result<Connection> connect(const std::shared_ptr<Cancel>& cancel, const std::string& network,
                               const ConnectRequest& request);
    // Takes the endpoint away and frees its address. What fails is logged: the next start's
    // `recover` finds it.
    void disconnect(const Endpoint& endpoint);

    // After a restart: the endpoints of the containers that still run. Takes their addresses and
    // ports again, and has the driver remove everything else. `given` is filled with the
    // reservations, in the order of `live`.
    Result<std::vector<Connection>> recover(
        const std::vector<std::shared_ptr<const Endpoint>>& live);

    // What the driver found that an operator must mend, with the line that mends it: another
    // firewall that drops packets, for one. Looked for anew at every call; nothing before a network
    // was made.
    std::vector<std::string> findings() const;

    // As GET /networks and GET /networks/{id} answer (API 1.51).
    boost::json::array list() const;
    Result<boost::json::object> inspect(const std::string& name) const;

private:
    struct Network {
        std::string id, name, instance, link;
        sdk::Prefix subnet, gateway;
        std::int64_t created_ns = 0;
    };
    Networks(store::Database& graph, NetworkSettings settings);
    Result<void> load();
    Result<Network> plan_default() const;
    Result<void> make(const std::shared_ptr<Cancel>& cancel, const Network& network);
    Result<void> ensure_default(const std::shared_ptr<Cancel>& cancel);
    void hold_again(const davit_port& port, std::vector<Fd>& reservations);
    boost::json::object shown(const Network& network) const;
    boost::json::object shown_plain(const std::string& name, const std::string& id,
                                    const std::string& driver, boost::json::object ipam,
                                    std::int64_t created_ns) const;
    static std::string format_seconds(std::int64_t ns);

    store::Database& graph_;
    NetworkSettings settings_;
    mutable std::mutex mutex_;           // of everything below
    std::optional<Network> default_;     // as the graph has it
    bool made_ = false;                  // the driver has been told of it since the daemon came up
    std::unique_ptr<AddressPool> pool_;  // of the default network's subnet
};

}  // namespace davit::network
