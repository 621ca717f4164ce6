// SPDX-License-Identifier: Apache-2.0
// What the name server knows: containers by the names that they have on networks of the user's.
#include "core/network/addresses.hpp"
#include "core/network/networks.hpp"

#include <strings.h>

#include <algorithm>
#include <utility>

namespace davit::network {

namespace {

bool same_name(const std::string& one, std::string_view other) {
    return one.size() == other.size() && ::strncasecmp(one.data(), other.data(), one.size()) == 0;
}

// `name` without ".network" at its end, which says on which network to look.
std::string_view without_network(std::string_view name, const std::string& network) {
    if (name.size() <= network.size() + 1) return name;
    const std::string_view end = name.substr(name.size() - network.size());
    if (!same_name(network, end) || name[name.size() - network.size() - 1] != '.') return name;
    return name.substr(0, name.size() - network.size() - 1);
}

// Of what the endpoint's links ("container:alias") call `name`; else `name` itself.
std::string_view linked(const Endpoint& own, std::string_view name) {
    for (const std::string& link : own.links) {
        const std::size_t colon = link.find(':');
        if (colon == std::string::npos || !same_name(link.substr(colon + 1), name)) continue;
        return std::string_view(link).substr(0, colon);
    }
    return name;
}

bool is_called(const Endpoint& endpoint, std::string_view name) {
    return std::any_of(endpoint.names.begin(), endpoint.names.end(),
                       [&](const std::string& own) { return same_name(own, name); });
}

}  // namespace

DnsDirectory Networks::directory() {
    return {.addresses = [this](const Sandbox& sandbox,
                                const std::string& name) { return addresses(sandbox, name); },
            .name = [this](const Sandbox& sandbox,
                           const sdk::Prefix& address) { return name_of(sandbox, address); },
            .passes_on = [this](const Sandbox& sandbox) { return passes_on(sandbox); }};
}

// The networks of the user's that the sandbox is connected to.
template <class Visit>
void Networks::each_named(const Sandbox& sandbox, Visit visit) {
    const std::vector<EndpointPtr> own = sandbox.endpoints();
    std::lock_guard lock(mutex_);
    for (const EndpointPtr& endpoint : own) {
        const auto live = networks_.find(endpoint->network_id);
        if (live != networks_.end() && !live->second.record->is_default)
            visit(*endpoint, std::as_const(live->second));
    }
}

// Those who share an alias are named in an order that goes round, which spreads who asks.
std::vector<sdk::Prefix> Networks::addresses(const Sandbox& sandbox, const std::string& name) {
    std::vector<sdk::Prefix> found;
    each_named(sandbox, [&](const Endpoint& own, const Live& live) {
        const std::string_view wanted = linked(own, without_network(name, live.record->name));
        for (const auto& [id, endpoint] : live.endpoints)
            if (is_called(*endpoint, wanted))
                for (const sdk::Prefix& address : addresses_of(*endpoint)) found.push_back(address);
    });
    if (found.size() > 1) {
        const std::size_t first = turn_.fetch_add(1, std::memory_order_relaxed) % found.size();
        std::rotate(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(first), found.end());
    }
    return found;
}

std::string Networks::name_of(const Sandbox& sandbox, const sdk::Prefix& address) {
    std::string name;
    each_named(sandbox, [&](const Endpoint&, const Live& live) {
        for (const auto& [id, endpoint] : live.endpoints)
            for (const sdk::Prefix& one : addresses_of(*endpoint))
                if (one.family == address.family && one.bytes == address.bytes &&
                    !endpoint->names.empty())
                    name = endpoint->names.front() + "." + live.record->name;
    });
    return name;
}

bool Networks::passes_on(const Sandbox& sandbox) {
    const std::vector<EndpointPtr> own = sandbox.endpoints();
    std::lock_guard lock(mutex_);
    return std::any_of(own.begin(), own.end(), [&](const EndpointPtr& endpoint) {
        const auto live = networks_.find(endpoint->network_id);
        return live != networks_.end() && !live->second.record->internal;
    });
}

// Containers on the default network alone have no name server of the engine's, as with docker.
Result<void> Networks::serve_names(const SandboxPtr& sandbox, int netns) {
    bool named = false;
    each_named(*sandbox, [&](const Endpoint&, const Live&) { named = true; });
    if (!named || netns < 0) return {};
    TRY(names_.open(sandbox, netns));
    if (sandbox->endpoints().empty()) names_.close(*sandbox);  // it has ended meanwhile
    return {};
}

}  // namespace davit::network
