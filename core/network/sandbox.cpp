// SPDX-License-Identifier: Apache-2.0
#include "core/network/sandbox.hpp"

#include <algorithm>
#include <utility>

namespace davit::network {

std::vector<EndpointPtr> Sandbox::endpoints() const {
    std::lock_guard lock(mutex_);
    std::vector<EndpointPtr> all;
    for (const Connection& connection : connections_) all.push_back(connection.endpoint);
    return all;
}

EndpointPtr Sandbox::endpoint_on(const std::string& network_id) const {
    std::lock_guard lock(mutex_);
    for (const Connection& connection : connections_)
        if (connection.endpoint->network_id == network_id) return connection.endpoint;
    return nullptr;
}

EndpointPtr Sandbox::gateway() const {
    std::lock_guard lock(mutex_);
    for (const Connection& connection : connections_)
        if (connection.endpoint->default_route) return connection.endpoint;
    return nullptr;
}

bool Sandbox::add(Connection& connection) {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    connections_.push_back(std::move(connection));
    return true;
}

Connection Sandbox::take(const std::string& network_id) {
    std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(connections_.begin(), connections_.end(), [&](const Connection& connection) {
            return connection.endpoint->network_id == network_id;
        });
    if (found == connections_.end()) return {};
    Connection taken = std::move(*found);
    connections_.erase(found);
    return taken;
}

void Sandbox::replace(const EndpointPtr& endpoint) {
    std::lock_guard lock(mutex_);
    for (Connection& connection : connections_)
        if (connection.endpoint->id == endpoint->id) connection.endpoint = endpoint;
}

std::vector<Connection> Sandbox::close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    return std::exchange(connections_, {});
}

}  // namespace davit::network
