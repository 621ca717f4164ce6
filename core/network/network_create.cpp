// SPDX-License-Identifier: Apache-2.0
// Networks come and go: planned here, made by their driver, kept by the graph.
#include "core/network/addresses.hpp"
#include "core/network/builtin.hpp"
#include "core/network/identity.hpp"
#include "core/network/networks.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/netlink/link.hpp"

#include <net/if.h>

#include <algorithm>
#include <utility>

namespace davit::network {

namespace {

constexpr const char* kDefaultLink = "davit0";
constexpr int kLogWarning = 2;  // DAVIT_LOG_WARNING

}  // namespace

// A subnet of the pools that neither a network has nor the host routes. Configured pools may know
// one family only.
Result<sdk::Prefix> Networks::free_subnet(std::uint8_t family) const {
    std::vector<SubnetBlock> blocks;
    for (const auto& pool : settings_.pools)
        blocks.push_back({TRY(sdk::parse_prefix(pool.base)), static_cast<std::uint8_t>(pool.size)});
    const bool configured =
        std::any_of(blocks.begin(), blocks.end(),
                    [&](const SubnetBlock& block) { return block.base.family == family; });
    if (!configured) blocks = default_blocks(settings_.scope);
    auto socket = TRY(sdk::RouteSocket::open());
    std::vector<sdk::Prefix> taken = TRY(sdk::list_routed_subnets(socket));
    for (const auto& [id, live] : networks_)
        for (const Subnet* subnet : {&live.record->four, &live.record->six})
            if (subnet->subnet.family != 0) taken.push_back(subnet->subnet);
    return choose_subnet(blocks, family, taken);
}

Result<void> Networks::refuse_overlap(const sdk::Prefix& subnet) const {
    for (const auto& [id, live] : networks_)
        for (const Subnet* other : {&live.record->four, &live.record->six})
            if (other->subnet.family == subnet.family && other->subnet.overlaps(subnet))
                return fail(Code::denied,
                            "invalid pool request: Pool overlaps with other one on "
                            "this address space: ",
                            sdk::prefix_text(subnet), " with network ", live.record->name);
    return {};
}

// What the user left open is filled in: the subnet, and its first free address as gateway.
Result<Subnet> Networks::plan_subnet(const Subnet& given, std::uint8_t family) const {
    Subnet planned = given;
    if (planned.subnet.family == 0)
        planned.subnet = TRY(free_subnet(family));
    else
        TRY(refuse_overlap(planned.subnet));
    AddressPool pool = TRY(AddressPool::create(planned.subnet, planned.range));
    for (const auto& [name, address] : planned.reserved) TRY(pool.reserve(address));
    if (planned.gateway.family == 0)
        planned.gateway = TRY(pool.allocate());
    else
        TRY(pool.reserve(planned.gateway));
    return planned;
}

// The default network: --bip or a free subnet, and the link's usual name where it is free.
Result<void> Networks::plan_default(Live& live) {
    NetworkRecord record = *live.record;
    record.instance = TRY(settings_.driver("")).instance();
    record.link = settings_.bridge_link;
    if (record.link.empty())
        record.link = ::if_nametoindex(kDefaultLink) == 0 ? kDefaultLink : "dv" + settings_.scope;
    Subnet given;
    if (!settings_.bridge_address.empty()) {
        given.gateway = TRY(sdk::parse_prefix(settings_.bridge_address));
        given.subnet = given.gateway.network();
    }
    record.four = TRY(plan_subnet(given, 4));
    Live planned = TRY(open_pools(std::make_shared<const NetworkRecord>(std::move(record))));
    live.record = std::move(planned.record);
    live.four = std::move(planned.four);
    return {};
}

Result<NetworkRecord> Networks::plan(const NetworkRequest& request) const {
    NetworkRecord record{.id = random_id(),
                         .name = request.name,
                         .instance = TRY(settings_.instance_of(request.driver)),
                         .link = "",
                         .created_ns = now_ns(),
                         .four = {},
                         .six = {},
                         .internal = request.internal,
                         .attachable = request.attachable,
                         .is_default = false,
                         .options = request.options,
                         .labels = request.labels};
    if (request.ipv4) record.four = TRY(plan_subnet(request.four, 4));
    if (request.ipv6) record.six = TRY(plan_subnet(request.six, 6));
    return record;
}

// The name and the subnets are taken at once, so that nobody else plans with them; then the driver;
// the row comes last: a crash before it leaves what `retain` does not know and removes.
Result<Networks::RecordPtr> Networks::create(const std::shared_ptr<Cancel>& cancel,
                                             const NetworkRequest& request) {
    TRY(refuse_builtin(request.name, request.driver));
    RecordPtr record;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, live] : networks_)
            if (live.record->name == request.name)
                return fail(Code::conflict, "network with name ", request.name, " already exists");
        record = std::make_shared<const NetworkRecord>(TRY(plan(request)));
        Live live = TRY(open_pools(record));
        live.removing = true;  // nobody finds it yet
        networks_.emplace(record->id, std::move(live));
    }
    Undo forget([&] {
        std::lock_guard lock(mutex_);
        networks_.erase(record->id);
    });
    NetworkRecord made = *record;
    made.link = TRY(make(cancel, *record));
    Undo take_down([&] {
        const auto driver = settings_.driver(record->instance);
        sdk::Caller call;
        if (driver) (void)driver->remove_network(call, record->id);
    });
    record = std::make_shared<const NetworkRecord>(std::move(made));
    TRY(insert_network(graph_, *record));
    take_down.keep();
    forget.keep();
    {
        std::lock_guard lock(mutex_);
        Live& live = networks_.at(record->id);
        live.record = record;
        live.in_graph = live.made = true;
        live.removing = false;
    }
    settings_.publish("create", *record, "");
    return record;
}

// The row goes first: what a crash leaves behind, the driver's `retain` removes.
Result<void> Networks::remove(const std::string& reference) {
    if (const Builtin* builtin = find_builtin(reference))
        return fail(Code::denied, builtin->name, " is a pre-defined network and cannot be removed");
    RecordPtr record;
    {
        std::lock_guard lock(mutex_);
        Live& live = *TRY(find_live(reference));
        record = live.record;
        if (record->is_default)
            return fail(Code::denied, record->name,
                        " is a pre-defined network and cannot be removed");
        if (live.joining != 0 || !live.endpoints.empty()) {
            std::string who;
            for (const auto& [id, endpoint] : live.endpoints)
                who += (who.empty() ? " (" : ", ") + ("name:\"" + endpoint->names.front()) +
                       "\" id:\"" + id.substr(0, 12) + "\"";
            return fail(Code::denied, "error while removing network: network ", record->name,
                        " has active endpoints", who.empty() ? "" : who + ")");
        }
        live.removing = true;
    }
    auto erased = erase_network(graph_, record->id);
    if (!erased) {
        std::lock_guard lock(mutex_);
        networks_.at(record->id).removing = false;
        return std::move(erased).error().context("remove network ", record->name);
    }
    const auto driver = settings_.driver(record->instance);
    sdk::Caller call;
    auto gone =
        driver ? driver->remove_network(call, record->id) : Result<void>(Error(driver.error()));
    if (!gone) settings_.log(kLogWarning, gone.error().what);
    {
        std::lock_guard lock(mutex_);
        networks_.erase(record->id);
    }
    settings_.publish("destroy", *record, "");
    return {};
}

Result<std::vector<std::string>> Networks::prune(
    const std::function<bool(const NetworkRecord&)>& fits) {
    std::vector<RecordPtr> unused;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, live] : networks_)
            if (!live.record->is_default && !live.removing && live.joining == 0 &&
                live.endpoints.empty() && fits(*live.record))
                unused.push_back(live.record);
    }
    std::vector<std::string> removed;
    for (const RecordPtr& record : unused) {
        const auto gone = remove(record->id);
        if (gone)
            removed.push_back(record->name);
        else if (gone.error().code != Code::denied && gone.error().code != Code::not_found)
            return gone.error();  // those two: somebody was faster
    }
    return removed;
}

}  // namespace davit::network
