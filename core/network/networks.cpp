// SPDX-License-Identifier: Apache-2.0
#include "core/network/networks.hpp"

#include "core/network/addresses.hpp"
#include "core/network/identity.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::network {

namespace {

constexpr int kLogWarning = 2;  // DAVIT_LOG_WARNING

NetworkRecord unplanned_default() {
    NetworkRecord record{.id = random_id(), .name = kDefaultName, .instance = "", .link = ""};
    record.created_ns = now_ns();
    record.is_default = true;
    return record;
}

}  // namespace

Networks::Networks(store::Database& graph, NetworkSettings settings)
    : graph_(graph), settings_(std::move(settings)), names_(directory()) {}

Networks::~Networks() = default;

Result<std::unique_ptr<Networks>> Networks::open(store::Database& graph, NetworkSettings settings) {
    std::unique_ptr<Networks> networks(new Networks(graph, std::move(settings)));
    TRY(networks->load());
    return networks;
}

Result<void> Networks::load() {
    bool has_default = false;
    for (NetworkRecord& record : TRY(load_networks(graph_))) {
        has_default = has_default || record.is_default;
        auto shared = std::make_shared<const NetworkRecord>(std::move(record));
        Live live = TRY(open_pools(shared).context("open network ", shared->name));
        live.in_graph = true;
        networks_.emplace(shared->id, std::move(live));
    }
    if (has_default) return {};
    auto record = std::make_shared<const NetworkRecord>(unplanned_default());
    Live& live = networks_[record->id];
    live.record = std::move(record);
    return {};
}

Result<Networks::Live> Networks::open_pools(RecordPtr record) const {
    Live live;
    const auto open = [](const Subnet& subnet, std::optional<AddressPool>& pool) -> Result<void> {
        if (subnet.subnet.family == 0) return {};
        pool = TRY(AddressPool::create(subnet.subnet, subnet.range));
        if (subnet.gateway.family != 0) TRY(pool->reserve(subnet.gateway));
        for (const auto& [name, address] : subnet.reserved) TRY(pool->reserve(address));
        return {};
    };
    TRY(open(record->four, live.four));
    TRY(open(record->six, live.six));
    live.record = std::move(record);
    return live;
}

// Docker's order: a name, an id, the beginning of an id.
Result<const Networks::Live*> Networks::find_live(const std::string& reference) const {
    for (const auto& [id, live] : networks_)
        if (live.record->name == reference && !live.removing) return &live;
    const auto first = networks_.lower_bound(reference);
    if (reference.empty() || first == networks_.end() || !first->first.starts_with(reference) ||
        first->second.removing)
        return fail(Code::not_found, "network ", reference, " not found");
    const auto next = std::next(first);
    if (first->first != reference && next != networks_.end() && next->first.starts_with(reference))
        return fail(Code::invalid, "network ", reference, " is ambiguous (2 matches found on id)");
    return &first->second;
}

Result<Networks::Live*> Networks::find_live(const std::string& reference) {
    return const_cast<Live*>(TRY(std::as_const(*this).find_live(reference)));
}

Result<Networks::RecordPtr> Networks::find(const std::string& reference) const {
    std::lock_guard lock(mutex_);
    return TRY(find_live(reference))->record;
}

Result<plugin::NetworkSpec> Networks::spec_of(const NetworkRecord& record) const {
    boost::json::object options;
    for (const auto& [key, value] : record.options) options[key] = value;
    std::uint32_t flags = record.is_default ? DAVIT_NETWORK_DEFAULT : 0;
    if (record.internal) flags |= DAVIT_NETWORK_INTERNAL;
    return plugin::NetworkSpec{.key = record.id,
                               .options = TRY(settings_.check_options(
                                   record.instance, "network", boost::json::serialize(options))),
                               .link = record.link,
                               .gateway4 = address_of(record.four.gateway),
                               .gateway6 = address_of(record.six.gateway),
                               .mtu = record.is_default ? settings_.mtu : 0,
                               .flags = flags};
}

// Has the driver make it, or see that it is there; the name of its link.
Result<std::string> Networks::make(const std::shared_ptr<Cancel>& cancel,
                                   const NetworkRecord& record) {
    const plugin::Network driver = TRY(settings_.driver(record.instance));
    sdk::Caller call(cancel);
    std::string link = TRY(driver.create_network(call, TRY(spec_of(record))));
    for (const plugin::Finding& finding : TRY(driver.check(call, record.id)))
        settings_.log(kLogWarning, finding.object + ": " + finding.text);
    return link;
}

// The row comes last: a crash before it leaves a link that `retain` does not know and removes.
Result<void> Networks::ensure_made(const std::shared_ptr<Cancel>& cancel, Live& live) {
    if (live.made) return {};
    if (!live.in_graph) TRY(plan_default(live));
    TRY(make(cancel, *live.record));
    if (!live.in_graph) TRY(insert_network(graph_, *live.record));
    live.in_graph = live.made = true;
    return {};
}

Result<std::vector<Networks::SandboxPtr>> Networks::recover(const std::vector<LiveSandbox>& live) {
    std::vector<SandboxPtr> sandboxes;
    {
        std::lock_guard lock(mutex_);
        sandboxes = take_again(live);
        TRY(retain(live));
    }
    for (std::size_t i = 0; i < live.size(); ++i)
        if (auto served = serve_names(sandboxes[i], live[i].netns); !served)
            settings_.log(kLogWarning, served.error().what);
    return sandboxes;
}

std::vector<Networks::SandboxPtr> Networks::take_again(const std::vector<LiveSandbox>& live) {
    std::vector<SandboxPtr> sandboxes;
    for (const LiveSandbox& one : live) {
        auto sandbox = std::make_shared<Sandbox>(one.id, one.occupant);
        for (const EndpointPtr& endpoint : one.endpoints) {
            const auto network = networks_.find(endpoint->network_id);
            if (network == networks_.end()) continue;
            for (const sdk::Prefix& address : addresses_of(*endpoint)) {
                auto& pool = address.family == 4 ? network->second.four : network->second.six;
                if (pool) (void)pool->reserve(address);  // one that is taken twice was so before
            }
            network->second.endpoints[endpoint->id] = endpoint;
            Connection connection{.endpoint = endpoint, .reservations = {}};
            hold_again(*endpoint, connection.reservations);
            (void)sandbox->add(connection);
        }
        sandboxes.push_back(std::move(sandbox));
    }
    return sandboxes;
}

// A network whose driver cannot make it now (its parent link may be gone) does not keep the daemon
// from its work: whoever connects to it is told.
Result<void> Networks::retain(const std::vector<LiveSandbox>& live) {
    std::map<std::string, std::vector<std::string>> networks;  // by instance
    for (const std::string& instance : settings_.instances_with_state()) networks[instance];
    std::map<std::string, std::vector<plugin::LiveEndpoint>> endpoints;
    for (auto& [id, network] : networks_) {
        if (!network.in_graph) continue;
        const std::string& instance = network.record->instance;
        networks[instance].push_back(id);
        if (auto made = ensure_made(nullptr, network); !made)
            settings_.log(kLogWarning,
                          "network " + network.record->name + ": " + made.error().what);
    }
    for (const LiveSandbox& one : live)
        for (const EndpointPtr& endpoint : one.endpoints) {
            const auto network = networks_.find(endpoint->network_id);
            if (network == networks_.end()) continue;
            plugin::LiveEndpoint known{.network = endpoint->network_id,
                                       .endpoint = endpoint->id,
                                       .addresses = {},
                                       .ports = TRY(stored_ports(*endpoint))};
            for (const sdk::Prefix& address : addresses_of(*endpoint))
                known.addresses.push_back(address_of(address));
            endpoints[network->second.record->instance].push_back(std::move(known));
        }
    for (const auto& [instance, keys] : networks) {
        const auto driver = settings_.driver(instance);
        sdk::Caller call;
        auto found = driver ? driver->retain(call, keys, endpoints[instance])
                            : Result<std::vector<plugin::Finding>>(Error(driver.error()));
        if (!found) {
            settings_.log(kLogWarning,
                          "recover networks of " + instance + ": " + found.error().what);
            continue;
        }
        for (const plugin::Finding& finding : *found)
            settings_.log(kLogWarning, finding.object + ": " + finding.text);
    }
    return {};
}

// A port that somebody took while the daemon was down keeps its mapping (seams rule 5).
void Networks::hold_again(const Endpoint& endpoint, std::vector<Fd>& reservations) {
    const auto ports = stored_ports(endpoint);
    if (!ports) {
        settings_.log(kLogWarning, ports.error().what);
        return;
    }
    for (const davit_port& port : *ports) {
        auto held = hold_port({.host = prefix_of(port.host),
                               .first = port.host_port,
                               .last = port.host_port,
                               .container_port = port.container_port,
                               .protocol = port.protocol});
        if (!held) {
            settings_.log(kLogWarning, "hold port " + port_text(port) +
                                           " again: " + held.error().what +
                                           "; it keeps leading to its container");
            continue;
        }
        for (Fd& socket : held->sockets) reservations.push_back(std::move(socket));
    }
}

std::vector<std::string> Networks::findings() const {
    std::map<std::string, std::vector<std::string>> networks;  // by instance
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, live] : networks_)
            if (live.made) networks[live.record->instance].push_back(id);
    }
    std::vector<std::string> texts;
    for (const auto& [instance, ids] : networks) {
        const auto driver = settings_.driver(instance);
        sdk::Caller call;
        // The empty key: all of them.
        const auto found = driver ? driver->check(call, ids.size() == 1 ? ids.front() : "")
                                  : Result<std::vector<plugin::Finding>>(Error(driver.error()));
        if (!found) {
            texts.push_back(found.error().what);
            continue;
        }
        for (const plugin::Finding& finding : *found)
            if (!finding.repaired) texts.push_back(finding.object + ": " + finding.text);
    }
    return texts;
}

}  // namespace davit::network
