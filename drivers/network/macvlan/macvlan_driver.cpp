// SPDX-License-Identifier: Apache-2.0
#include "macvlan_driver.hpp"

#include "endpoint.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/endpoint/answer.hpp"
#include "sdk/endpoint/link_name.hpp"
#include "sdk/netlink/namespace_id.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>

namespace davit::macvlan {
namespace {

constexpr std::size_t kSettingsLimit = 64 * 1024;  // a settings file has some 300 bytes

std::string settings_file(const std::string& network) { return sdk::key_digest(network) + ".json"; }

Result<Fd> folder(int state, const char* name) {
    TRY(make_directory(state, name));
    return open_beneath(state, name, O_RDONLY | O_DIRECTORY);
}

}  // namespace

MacvlanDriver::MacvlanDriver(State state, std::string scope, std::string instance)
    : state_(std::move(state)),
      scope_(std::move(scope)),
      owner_("davit/" + scope_ + "/" + std::move(instance) + "/") {}

Result<std::unique_ptr<sdk::NetworkDriver>> MacvlanDriver::open(const sdk::Call& call,
                                                                const davit_open& request) {
    TRY(probe(call, request));
    State state{.networks = TRY(folder(request.state_fd, "networks")),
                .endpoints = TRY(folder(request.state_fd, "endpoints"))};
    std::unique_ptr<MacvlanDriver> driver(
        new MacvlanDriver(std::move(state), sdk::text(request.scope), sdk::text(request.instance)));
    TRY(driver->load());
    return std::unique_ptr<sdk::NetworkDriver>(std::move(driver));
}

// No macvlan can lie on lo, so that asking for one changes nothing: a kernel that has macvlan says
// EINVAL, one that lacks it EOPNOTSUPP.
Result<void> MacvlanDriver::probe(const sdk::Call&, const davit_open&) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const sdk::Link lo = TRY(sdk::find_link(socket, "lo"));
    sdk::queue_macvlan(socket, {.name = "dvmprobe", .parent = lo.index});
    const Result<void> refused = socket.commit();
    if (refused || refused.error().code == Code::invalid) return {};
    if (refused.error().code == Code::unsupported)
        return fail(Code::unsupported, "use macvlan: this kernel does not have it");
    return Error(refused.error()).context("use macvlan");
}

Result<void> MacvlanDriver::load() {
    const int directory = state_.networks.get();
    for (const std::string& name : TRY(list_names(directory))) {
        if (!name.ends_with(".json")) continue;
        auto settings = settings_from_text(TRY(read_file(directory, name, kSettingsLimit)));
        if (!settings)
            return fail(Code::corrupt, "read network settings ", name, ": ", settings.error().what);
        networks_[settings->key] = *settings;
    }
    for (EndpointRecord& record : TRY(load_records(state_.endpoints.get())))
        endpoints_[{record.network, record.endpoint}] = record;
    return {};
}

std::string MacvlanDriver::parent_alias(const std::string& parent) const {
    return owner_ + "parent/" + parent;
}
std::string MacvlanDriver::endpoint_alias(const EndpointRecord& record) const {
    return owner_ + "endpoint/" + record.network + "/" + record.endpoint;
}

Result<NetworkSettings> MacvlanDriver::find_network(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto at = networks_.find(key);
    if (at != networks_.end()) return at->second;
    return fail(Code::not_found, "find network ", key, ": no such network");
}

Result<EndpointRecord> MacvlanDriver::find_record(const EndpointId& id) const {
    const std::lock_guard lock(mutex_);
    const auto at = endpoints_.find(id);
    if (at != endpoints_.end()) return at->second;
    return fail(Code::not_found, "find endpoint ", id.endpoint, ": no such endpoint");
}

std::vector<NetworkSettings> MacvlanDriver::networks() const {
    const std::lock_guard lock(mutex_);
    std::vector<NetworkSettings> all;
    for (const auto& [key, settings] : networks_) all.push_back(settings);
    return all;
}

std::vector<EndpointRecord> MacvlanDriver::endpoints() const {
    const std::lock_guard lock(mutex_);
    std::vector<EndpointRecord> all;
    for (const auto& [id, record] : endpoints_) all.push_back(record);
    return all;
}

// A parent in passthru mode is one network's alone.
Result<void> MacvlanDriver::check_parent_is_free(const NetworkSettings& settings) const {
    const auto alone = [](const NetworkSettings& network) {
        return network.mode == sdk::MacvlanMode::passthru;
    };
    for (const NetworkSettings& other : networks())
        if (other.parent == settings.parent && other.key != settings.key &&
            (alone(other) || alone(settings)))
            return fail(Code::conflict, "create network ", settings.key, ": network ", other.key,
                        " uses parent ", settings.parent,
                        " already, and a passthru network has its parent alone");
    return {};
}

Result<davit_network_created> MacvlanDriver::create_network(const sdk::Call& call,
                                                            const davit_network_create& request) {
    const std::string key = sdk::text(request.network), wanted = sdk::text(request.link);
    const std::string own = wanted.empty() ? sdk::link_name("dvm", scope_, key) : wanted;
    NetworkSettings settings = TRY(settings_of(request, own));
    const auto known = find_network(key);
    if (known && settings.internal) settings.parent = known->parent;
    if (known && !settings.asks_the_same(*known))
        return fail(Code::exists, "create network ", key, ": it exists with other settings");
    TRY(check_parent_is_free(settings));
    settings.makes_parent =
        known ? known->makes_parent : TRY(has_to_make(settings, parent_alias(settings.parent)));
    TRY(put_network(settings));
    if (settings.internal && !known)
        call.log(DAVIT_LOG_INFO,
                 "network " + key + " has no parent: its containers reach each other alone");
    auto created = sdk::sized<davit_network_created>();
    created.existed = known ? 1 : 0;
    settings.parent.copy(created.link, sizeof created.link - 1);
    return created;
}

// Settings first: after a crash `retain` finds the network, and its parent if we make it, by them.
Result<void> MacvlanDriver::put_network(const NetworkSettings& settings) {
    const bool is_new = !find_network(settings.key);
    if (is_new)
        TRY(atomic_write(state_.networks.get(), settings_file(settings.key), to_text(settings),
                         0600, Sync::yes));
    Undo forget([&] {
        if (is_new) (void)forget_network(settings);
    });
    TRY(raise_parent(settings, parent_alias(settings.parent)));
    const std::lock_guard lock(mutex_);
    networks_[settings.key] = settings;
    forget.keep();
    return {};
}

// Networks may share a VLAN that the driver made: the last one takes it away.
Result<void> MacvlanDriver::forget_network(const NetworkSettings& settings) {
    const auto others = networks();
    const bool is_shared = std::any_of(others.begin(), others.end(), [&](const auto& other) {
        return other.parent == settings.parent && other.key != settings.key;
    });
    if (!is_shared) TRY(remove_parent(settings, parent_alias(settings.parent)));
    const std::string file = settings_file(settings.key);
    if (::unlinkat(state_.networks.get(), file.c_str(), 0) != 0 && errno != ENOENT)
        return os_error("remove " + file);
    const std::lock_guard lock(mutex_);
    networks_.erase(settings.key);
    return {};
}

Result<void> MacvlanDriver::remove_network(const sdk::Call&, const davit_network_key& request) {
    const std::string key = sdk::text(request.network);
    const auto settings = find_network(key);
    if (!settings) return {};
    for (const EndpointRecord& record : endpoints())
        if (record.network == key)
            return fail(Code::busy, "remove network ", key, ": endpoint ", record.endpoint,
                        " is attached to it");
    return forget_network(*settings);
}

// The parent is the operator's: one that is down stays down, with words.
Result<sdk::Link> MacvlanDriver::parent_in_service(const NetworkSettings& settings) const {
    sdk::Link parent = TRY(raise_parent(settings, parent_alias(settings.parent))).link;
    if (parent.up) return parent;
    return fail(Code::unavailable, "join parent ", parent.name, ": it is down; ip link set ",
                parent.name, " up");
}

// The record first: after a crash `retain` finds the link by it.
Result<sdk::Link> MacvlanDriver::join(const davit_endpoint_attach& request,
                                      const NetworkSettings& settings, EndpointRecord& record) {
    EndpointPlan plan;
    plan.interface = TRY(sdk::interface_plan(request));
    plan.interface.alias = endpoint_alias(record);
    if (plan.interface.mtu == 0) plan.interface.mtu = settings.mtu;
    const sdk::Link parent = TRY(parent_in_service(settings));
    plan.parent = parent.index;
    plan.mode = settings.mode;
    const bool has_wish = std::any_of(std::begin(request.mac), std::end(request.mac),
                                      [](std::uint8_t byte) { return byte != 0; });
    if (plan.mode == sdk::MacvlanMode::passthru && !has_wish) plan.interface.mac = parent.mac;
    record.mac = plan.mode == sdk::MacvlanMode::passthru ? parent.mac : plan.interface.mac;
    sdk::RouteSocket host = TRY(sdk::RouteSocket::open());
    record.sandbox = TRY(sdk::namespace_id(host, request.netns_fd));
    plan.record = record;
    TRY(save_record(state_.endpoints.get(), record));
    sdk::Link link = TRY(connect(std::move(plan)));
    return link;
}

Result<davit_endpoint_attached> MacvlanDriver::attach(const sdk::Call&,
                                                      const davit_endpoint_attach& request) {
    const EndpointId id{sdk::text(request.network), sdk::text(request.endpoint)};
    const NetworkSettings settings = TRY(find_network(id.network));
    if (request.port_count != 0)
        return fail(Code::unsupported,
                    "publish ports: containers of a macvlan network are reached at their own "
                    "address, and have no ports of the host");
    EndpointRecord record{.network = id.network, .endpoint = id.endpoint};
    {
        const std::lock_guard lock(mutex_);
        if (!endpoints_.try_emplace(id, record).second)
            return fail(Code::exists, "attach endpoint ", id.endpoint, ": it is attached already");
    }
    Undo forget([&] {
        (void)remove_record(state_.endpoints.get(), record);
        const std::lock_guard lock(mutex_);
        endpoints_.erase(id);
    });
    const sdk::Link link =
        TRY(join(request, settings, record).context("attach endpoint ", id.endpoint));
    forget.keep();
    {
        const std::lock_guard lock(mutex_);
        endpoints_[id] = record;
    }
    return sdk::attached_as(link);
}

Result<void> MacvlanDriver::forget_endpoint(const EndpointRecord& record) {
    TRY(disconnect(record, endpoint_alias(record)));
    TRY(remove_record(state_.endpoints.get(), record));
    const std::lock_guard lock(mutex_);
    endpoints_.erase({record.network, record.endpoint});
    return {};
}

// Also of a sandbox that goes: until the kernel has dismantled it the link would keep its MAC, and
// the next container could not have it.
Result<void> MacvlanDriver::detach(const sdk::Call&, const davit_endpoint_detach& request) {
    const auto record = find_record({sdk::text(request.network), sdk::text(request.endpoint)});
    if (!record) return {};
    return forget_endpoint(*record);
}

Result<davit_endpoint_stats> MacvlanDriver::stats(const sdk::Call&,
                                                  const davit_endpoint_key& request) {
    const EndpointRecord record =
        TRY(find_record({sdk::text(request.network), sdk::text(request.endpoint)}));
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const auto link = TRY(find_endpoint(socket, record, endpoint_alias(record)));
    if (!link)
        return fail(Code::not_found, "count packets of ", record.endpoint, ": its link is gone");
    return sdk::stats_of(link->counters);
}

}  // namespace davit::macvlan
