// SPDX-License-Identifier: Apache-2.0
// Sandboxes join networks and leave them.
#include "core/network/addresses.hpp"
#include "core/network/gateway.hpp"
#include "core/network/identity.hpp"
#include "core/network/networks.hpp"
#include "sdk/base/undo.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace davit::network {

namespace {

constexpr int kLogWarning = 2;  // DAVIT_LOG_WARNING
// Docker's options that are the engine's to read.
constexpr const char* kHostBinding = "com.docker.network.bridge.host_binding_ipv4";
constexpr const char* kInterfaceName = "com.docker.network.endpoint.ifname";

std::string option(const std::map<std::string, std::string>& options, const char* key) {
    const auto found = options.find(key);
    return found == options.end() ? "" : found->second;
}

bool leads_out(const NetworkRecord& record) {
    const bool unplanned = record.four.subnet.family == 0 && record.six.subnet.family == 0;
    return !record.internal &&
           (unplanned || record.four.gateway.family != 0 || record.six.gateway.family != 0);
}

std::vector<std::string> names_of(const Occupant& occupant, const EndpointSettings& wanted) {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    if (!occupant.names.empty()) add(occupant.names.front());
    for (const std::string& alias : wanted.aliases) add(alias);
    for (const std::string& name : occupant.names) add(name);
    return names;
}

void show_addresses(const NetworkRecord& record, const std::vector<sdk::Prefix>& addresses,
                    Endpoint& endpoint) {
    const auto gateway = [&](const Subnet& subnet) {
        return record.internal || subnet.gateway.family == 0 ? ""
                                                             : sdk::address_text(subnet.gateway);
    };
    for (const sdk::Prefix& address : addresses) {
        const bool four = address.family == 4;
        (four ? endpoint.address : endpoint.address6) = sdk::address_text(address);
        (four ? endpoint.prefix : endpoint.prefix6) = address.length;
        (four ? endpoint.gateway : endpoint.gateway6) = gateway(four ? record.four : record.six);
    }
}

}  // namespace

// Addresses that are taken for a connection, until it is there or turned away.
struct Networks::Ticket {
    RecordPtr record;
    std::vector<sdk::Prefix> addresses;
};

struct Networks::Attachment {
    const Ticket& ticket;
    const EndpointSettings& wanted;
    const Occupant& occupant;
    int netns;
    bool default_route, publish;
};

namespace {

// Docker's rules for an address of the user's.
Result<sdk::Prefix> take_wanted(AddressPool& pool, const std::string& text, const Subnet& subnet,
                                bool is_default) {
    if (is_default)
        return fail(Code::invalid,
                    "user specified IP address is supported on user defined networks only");
    if (!subnet.chosen)
        return fail(Code::invalid,
                    "user specified IP address is supported only when connecting to networks with "
                    "user configured subnets");
    sdk::Prefix address = TRY(sdk::parse_prefix(text));
    if (!subnet.subnet.contains(address))
        return fail(Code::invalid,
                    "invalid endpoint settings: no configured subnet contains IP address ", text);
    address.length = subnet.subnet.length;
    auto reserved = pool.reserve(address);
    if (!reserved && reserved.error().code == Code::exists)
        return fail(Code::denied, "Address already in use: ", text);
    TRY(std::move(reserved));
    return address;
}

}  // namespace

Result<std::vector<sdk::Prefix>> Networks::take_addresses(Live& live,
                                                          const EndpointSettings& wanted) {
    std::vector<sdk::Prefix> taken;
    const auto take = [&](std::optional<AddressPool>& pool, const Subnet& subnet,
                          const std::string& text) -> Result<void> {
        if (!pool && !text.empty())
            return fail(Code::invalid,
                        "invalid endpoint settings: no configured subnet contains IP address ",
                        text);
        if (!pool) return {};
        taken.push_back(text.empty()
                            ? TRY(pool->allocate())
                            : TRY(take_wanted(*pool, text, subnet, live.record->is_default)));
        return {};
    };
    Undo give_back([&] {
        for (const sdk::Prefix& address : taken)
            (address.family == 4 ? live.four : live.six)->release(address);
    });
    TRY(take(live.four, live.record->four, wanted.address4));
    TRY(take(live.six, live.record->six, wanted.address6));
    give_back.keep();
    return taken;
}

Result<Networks::Ticket> Networks::admit(const std::shared_ptr<Cancel>& cancel,
                                         const EndpointSettings& wanted) {
    std::lock_guard lock(mutex_);
    Live& live = *TRY(find_live(wanted.network));
    TRY(ensure_made(cancel, live));
    Ticket ticket{.record = live.record, .addresses = TRY(take_addresses(live, wanted))};
    ++live.joining;
    return ticket;
}

void Networks::turn_away(const Ticket& ticket) {
    std::lock_guard lock(mutex_);
    Live& live = networks_.at(ticket.record->id);
    --live.joining;
    for (const sdk::Prefix& address : ticket.addresses)
        (address.family == 4 ? live.four : live.six)->release(address);
}

Result<Connection> Networks::attach(const std::shared_ptr<Cancel>& cancel, const Attachment& what) {
    const NetworkRecord& record = *what.ticket.record;
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->id = random_id();
    plugin::EndpointSpec spec{
        .network = record.id,
        .endpoint = endpoint->id,
        .interface = option(what.wanted.driver_options, kInterfaceName),
        .netns = what.netns,
        .flags = what.default_route ? DAVIT_ENDPOINT_DEFAULT_ROUTE : 0,
        .addresses = {},
        .gateway4 = record.internal ? davit_address{} : address_of(record.four.gateway),
        .gateway6 = record.internal ? davit_address{} : address_of(record.six.gateway),
        .ports = {}};
    if (!what.wanted.mac.empty()) spec.mac = TRY(parse_mac(what.wanted.mac));
    for (const sdk::Prefix& address : what.ticket.addresses)
        spec.addresses.push_back(address_of(address));
    boost::json::object options;
    for (const auto& [key, value] : what.wanted.driver_options)
        if (key != kInterfaceName) options[key] = value;
    if (!options.empty())
        spec.options = TRY(
            settings_.check_options(record.instance, "endpoint", boost::json::serialize(options)));
    Connection connection;
    if (what.publish) {
        std::vector<PortWish> wishes;
        for (const PortRequest& port : what.occupant.ports)
            wishes.push_back(TRY(wish_of(port, option(record.options, kHostBinding))));
        for (HeldPort& port : TRY(hold_ports(wishes))) {
            spec.ports.push_back(port.port);
            show_port(port.port, endpoint->ports);
            for (Fd& socket : port.sockets) connection.reservations.push_back(std::move(socket));
        }
    }
    sdk::Caller call(cancel);
    const plugin::Attached attached =
        TRY(TRY(settings_.driver(record.instance)).attach(call, spec));
    endpoint->network = record.name;
    endpoint->network_id = record.id;
    endpoint->container = what.occupant.container;
    endpoint->interface = attached.interface;
    endpoint->mac = mac_text(attached.mac);
    endpoint->default_route = what.default_route;
    endpoint->gateway_priority = what.wanted.gateway_priority;
    endpoint->names = names_of(what.occupant, what.wanted);
    endpoint->links = what.wanted.links;
    show_addresses(record, what.ticket.addresses, *endpoint);
    connection.endpoint = std::move(endpoint);
    return connection;
}

Result<void> Networks::add(const std::shared_ptr<Cancel>& cancel, Sandbox& sandbox, int netns,
                           const EndpointSettings& wanted, Way way) {
    const Ticket ticket = TRY(admit(cancel, wanted));
    auto connection = attach(cancel, {.ticket = ticket,
                                      .wanted = wanted,
                                      .occupant = sandbox.occupant(),
                                      .netns = netns,
                                      .default_route = way.default_route,
                                      .publish = way.publish});
    if (!connection) {
        turn_away(ticket);
        return std::move(connection).error();
    }
    const EndpointPtr endpoint = connection->endpoint;
    {
        std::lock_guard lock(mutex_);
        Live& live = networks_.at(ticket.record->id);
        --live.joining;
        live.endpoints[endpoint->id] = endpoint;
    }
    settings_.publish("connect", *ticket.record, endpoint->container);
    if (sandbox.add(*connection)) return {};
    detach(*endpoint, netns);
    return fail(Code::conflict, "connect container ", sandbox.occupant().container,
                ": it has ended meanwhile");
}

void Networks::detach(const Endpoint& endpoint, int netns) {
    RecordPtr record;
    {
        std::lock_guard lock(mutex_);
        const auto found = networks_.find(endpoint.network_id);
        if (found == networks_.end()) return;
        record = found->second.record;
    }
    sdk::Caller call;
    const auto driver = settings_.driver(record->instance);
    auto done = driver ? driver->detach(call, endpoint.network_id, endpoint.id, netns)
                       : Result<void>(Error(driver.error()));
    if (!done)
        settings_.log(kLogWarning, "disconnect container " + endpoint.container + " from " +
                                       endpoint.network + ": " + done.error().what);
    {
        std::lock_guard lock(mutex_);
        Live& live = networks_.at(endpoint.network_id);
        if (live.endpoints.erase(endpoint.id) == 0) return;
        for (const sdk::Prefix& address : addresses_of(endpoint))
            if (auto& pool = address.family == 4 ? live.four : live.six) pool->release(address);
    }
    settings_.publish("disconnect", *record, endpoint.container);
}

// The network that the default routes lead through: the highest priority, then the first name.
std::string Networks::best_gateway(const std::vector<EndpointSettings>& wanted) const {
    const EndpointSettings* best = nullptr;
    std::lock_guard lock(mutex_);
    for (const EndpointSettings& one : wanted) {
        const auto live = find_live(one.network);
        if (!live || !leads_out(*(*live)->record)) continue;
        if (best == nullptr || ranks_before({one.gateway_priority, one.network},
                                            {best->gateway_priority, best->network}))
            best = &one;
    }
    return best == nullptr ? "" : best->network;
}

Result<Networks::SandboxPtr> Networks::join(const std::shared_ptr<Cancel>& cancel,
                                            const JoinRequest& request) {
    auto sandbox = std::make_shared<Sandbox>(random_id(), request.occupant);
    const std::string gateway = best_gateway(request.wanted);
    Undo undo([&] { leave(*sandbox); });
    for (const EndpointSettings& wanted : request.wanted) {
        const bool leads = wanted.network == gateway;
        TRY(add(cancel, *sandbox, request.netns, wanted,
                {.default_route = leads, .publish = leads}));
    }
    TRY(serve_names(sandbox, request.netns));
    undo.keep();
    return sandbox;
}

void Networks::leave(Sandbox& sandbox) {
    const std::vector<Connection> connections = sandbox.close();
    names_.close(sandbox);
    for (const Connection& connection : connections) detach(*connection.endpoint, -1);
}

Result<void> Networks::connect(const std::shared_ptr<Cancel>& cancel, const SandboxPtr& sandbox,
                               int netns, const EndpointSettings& wanted) {
    TRY(add_to_live(cancel, *sandbox, netns, wanted));
    auto served = serve_names(sandbox, netns);
    if (!served) (void)disconnect(*sandbox, netns, *TRY(find(wanted.network)));
    return served;
}

Result<void> Networks::add_to_live(const std::shared_ptr<Cancel>& cancel, Sandbox& sandbox,
                                   int netns, const EndpointSettings& wanted) {
    const RecordPtr record = TRY(find(wanted.network));
    if (sandbox.endpoint_on(record->id))
        return fail(Code::denied, "endpoint with name ", sandbox.occupant().names.front(),
                    " already exists in network ", record->name);
    const EndpointPtr current = sandbox.gateway();
    const bool leads = leads_out(*record) &&
                       (!current || ranks_before({wanted.gateway_priority, record->name},
                                                 {current->gateway_priority, current->network}));
    if (!leads) return add(cancel, sandbox, netns, wanted, {});
    if (current) TRY(remove_default_route(netns, *current));
    auto added = add(cancel, sandbox, netns, wanted, {.default_route = true, .publish = !current});
    if (!current) return added;
    if (!added) {
        (void)add_default_route(netns, *current);
        return added;
    }
    keep_changed(sandbox, *current, false);
    return {};
}

Result<void> Networks::disconnect(Sandbox& sandbox, int netns, const NetworkRecord& network) {
    const Connection taken = sandbox.take(network.id);
    if (!taken.endpoint)
        return fail(Code::denied, "container ", sandbox.occupant().container,
                    " is not connected to network ", network.name);
    if (taken.endpoint->default_route)
        (void)remove_default_route(netns, *taken.endpoint);  // it goes with its link anyway
    detach(*taken.endpoint, netns);
    if (!taken.endpoint->default_route) return {};
    EndpointPtr next;
    for (const EndpointPtr& endpoint : sandbox.endpoints()) {
        if (endpoint->gateway.empty() && endpoint->gateway6.empty()) continue;
        if (!next || ranks_before({endpoint->gateway_priority, endpoint->network},
                                  {next->gateway_priority, next->network}))
            next = endpoint;
    }
    if (!next) return {};
    TRY(add_default_route(netns, *next));
    keep_changed(sandbox, *next, true);
    return {};
}

void Networks::keep_changed(Sandbox& sandbox, const Endpoint& endpoint, bool default_route) {
    auto changed = std::make_shared<Endpoint>(endpoint);
    changed->default_route = default_route;
    sandbox.replace(changed);
    std::lock_guard lock(mutex_);
    const auto network = networks_.find(endpoint.network_id);
    if (network != networks_.end()) network->second.endpoints[endpoint.id] = changed;
}

}  // namespace davit::network
