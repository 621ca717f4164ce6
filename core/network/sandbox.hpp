// SPDX-License-Identifier: Apache-2.0
// A sandbox: the network namespace of one running container, with the endpoints that join it to
// networks. Made, changed and closed by Networks; containers hold it while they run. Thread-safe.
#pragma once

#include "core/network/endpoint.hpp"
#include "core/network/published_ports.hpp"
#include "sdk/base/fd.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace davit::network {

using EndpointPtr = std::shared_ptr<const Endpoint>;

// A joined network: the reservations keep others from its host ports while it lives.
struct Connection {
    EndpointPtr endpoint;
    std::vector<Fd> reservations;
};

// Who is in it: other containers find it by these names (aliases come with each network).
struct Occupant {
    std::string container;           // its id
    std::vector<std::string> names;  // its name first
    std::vector<PortRequest> ports;  // published where the default routes lead
    // Asked for what the engine does not know; empty: the host's. In the order of their use.
    std::vector<std::string> name_servers;
};

class Sandbox {
public:
    Sandbox(std::string id, Occupant occupant)
        : id_(std::move(id)), occupant_(std::move(occupant)) {}

    const std::string& id() const { return id_; }
    const Occupant& occupant() const { return occupant_; }

    // In the order in which they were connected.
    std::vector<EndpointPtr> endpoints() const;
    EndpointPtr endpoint_on(const std::string& network_id) const;  // null: not connected to it
    // The one that the default routes lead through; null: none.
    EndpointPtr gateway() const;

    // False once it is closed: the connection is the caller's to take back.
    bool add(Connection& connection);
    // The connection of that network, which is the caller's from here on; without an endpoint when
    // there is none.
    Connection take(const std::string& network_id);
    // Puts a changed endpoint in the place of the one with its id.
    void replace(const EndpointPtr& endpoint);
    // Everything there is; nothing can be added any more.
    std::vector<Connection> close();

private:
    const std::string id_;
    const Occupant occupant_;
    mutable std::mutex mutex_;
    std::vector<Connection> connections_;
    bool closed_ = false;
};

}  // namespace davit::network
