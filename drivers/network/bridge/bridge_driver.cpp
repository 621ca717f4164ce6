// SPDX-License-Identifier: Apache-2.0
#include "bridge_driver.hpp"

#include "network_link.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/endpoint/answer.hpp"
#include "sdk/endpoint/link_name.hpp"
#include "sdk/netlink/nft_dump.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace davit::bridge {
namespace {

constexpr std::size_t kSettingsLimit = 64 * 1024;  // a settings file has some 300 bytes
constexpr const char* kSettingsDirectory = "networks";
constexpr std::chrono::seconds kGraceForSandbox{
    2};  // a namespace that goes takes its links with it within 1 s

std::string settings_file(const std::string& network) { return sdk::key_digest(network) + ".json"; }

}  // namespace

BridgeDriver::BridgeDriver(Fd state, std::string scope, sdk::NftSocket socket)
    : state_(std::move(state)),
      scope_(std::move(scope)),
      firewall_("davit-" + scope_, std::move(socket)) {}

Result<std::unique_ptr<sdk::NetworkDriver>> BridgeDriver::open(const sdk::Call& call,
                                                               const davit_open& request) {
    TRY(probe(call, request));
    Fd state(::fcntl(request.state_fd, F_DUPFD_CLOEXEC, 0));
    if (!state) return os_error("open state directory");
    TRY(make_directory(state.get(), kSettingsDirectory));
    std::unique_ptr<BridgeDriver> driver(
        new BridgeDriver(std::move(state), sdk::text(request.scope), TRY(sdk::NftSocket::open())));
    TRY(driver->load());
    return std::unique_ptr<sdk::NetworkDriver>(std::move(driver));
}

// Reading the rules of a table that nobody has finds out whether nf_tables is there and we may use
// it.
Result<void> BridgeDriver::probe(const sdk::Call&, const davit_open&) {
    TRY(sdk::RouteSocket::open());
    const auto rules = sdk::dropping_forward_chains("", {});
    if (!rules) return fail(Code::unsupported, "use nftables: ", rules.error().what);
    return {};
}

// Settings from files, bridges and endpoints from the links that carry our alias, ports from the
// table.
Result<void> BridgeDriver::load() {
    const Fd directory =
        TRY(open_beneath(state_.get(), kSettingsDirectory, O_RDONLY | O_DIRECTORY));
    for (const std::string& name : TRY(list_names(directory.get()))) {
        if (!name.ends_with(".json")) continue;
        auto settings = settings_from_text(TRY(read_file(directory.get(), name, kSettingsLimit)));
        if (!settings)
            return fail(Code::corrupt, "read network settings ", name, ": ", settings.error().what);
        networks_[settings->key] = {.settings = *settings};
    }
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const std::string prefix = endpoint_alias({"", ""});
    for (const sdk::Link& link : TRY(sdk::list_links(socket))) {
        for (auto& [key, network] : networks_)
            if (link.alias == bridge_alias(key)) network.index = link.index;
        if (!link.alias.starts_with(prefix.substr(0, prefix.size() - 1))) continue;
        const std::string rest = link.alias.substr(prefix.size() - 1);
        const std::size_t slash = rest.find('/');
        if (slash == std::string::npos) continue;
        endpoints_[{rest.substr(0, slash), rest.substr(slash + 1)}] = {.host_name = link.name,
                                                                       .host_index = link.index,
                                                                       .ports = {},
                                                                       .published = {},
                                                                       .addresses = {}};
    }
    std::vector<NetworkSettings> known;
    for (const auto& [key, network] : networks_) known.push_back(network.settings);
    return firewall_.adopt(known);
}

std::string BridgeDriver::bridge_alias(const std::string& network) const {
    return "davit/" + scope_ + "/network/" + network;
}
std::string BridgeDriver::endpoint_alias(const EndpointId& id) const {
    return "davit/" + scope_ + "/endpoint/" + id.network + "/" + id.endpoint;
}

Result<BridgeDriver::Network> BridgeDriver::find_network(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto at = networks_.find(key);
    if (at == networks_.end())
        return fail(Code::not_found, "find network ", key, ": no such network");
    return at->second;
}

std::vector<BridgeDriver::Network> BridgeDriver::networks() const {
    const std::lock_guard lock(mutex_);
    std::vector<Network> all;
    for (const auto& [key, network] : networks_) all.push_back(network);
    return all;
}

Result<davit_network_created> BridgeDriver::answer(const Network& network, bool existed) const {
    auto created = sdk::sized<davit_network_created>();
    created.existed = existed ? 1 : 0;
    network.settings.link.copy(created.link, sizeof created.link - 1);
    return created;
}

// The wanted name; without one a name made of scope and key. A wanted name that somebody else has
// is an error, but for the default network, which then takes a made one: several engines on one
// host are normal.
Result<void> BridgeDriver::choose_link_name(NetworkSettings& settings) const {
    const std::string made = sdk::link_name("dvb", scope_, settings.key);
    if (settings.link.empty()) settings.link = made;
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const auto present = sdk::find_link(socket, settings.link);
    if (!present && present.error().code == Code::not_found) return {};
    if (!present) return present.error();
    if (present->alias == bridge_alias(settings.key)) return {};
    if (settings.is_default && settings.link != made) {
        settings.link = made;
        return {};
    }
    return fail(Code::exists, "create bridge ", settings.link,
                ": a link of that name exists and is not this network's");
}

Result<davit_network_created> BridgeDriver::create_network(const sdk::Call& call,
                                                           const davit_network_create& request) {
    NetworkSettings settings = TRY(settings_of(request));
    if (const auto known = find_network(settings.key)) {
        const bool any_name = settings.link.empty() || settings.is_default;
        if (any_name) settings.link = known->settings.link;
        if (!(settings == known->settings))
            return fail(Code::exists, "create network ", settings.key,
                        ": it exists with other settings");
        TRY(put_network(call, settings));
        return answer(*known, true);
    }
    TRY(choose_link_name(settings));
    return answer(TRY(put_network(call, settings)), false);
}

// Settings first: after a crash `retain` finds the network by its file or by its bridge's alias.
Result<BridgeDriver::Network> BridgeDriver::put_network(const sdk::Call& call,
                                                        const NetworkSettings& settings) {
    const bool is_new = !find_network(settings.key);
    const Fd directory =
        TRY(open_beneath(state_.get(), kSettingsDirectory, O_RDONLY | O_DIRECTORY));
    if (is_new)
        TRY(atomic_write(directory.get(), settings_file(settings.key), to_text(settings), 0600,
                         Sync::yes));
    Network network{.settings = settings, .index = 0};
    Undo forget([&] {
        if (is_new) (void)forget_network(network);
    });
    network.index = TRY(raise_bridge(settings, bridge_alias(settings.key))).index;
    for (const std::string& changed : TRY(switch_forwarding_on(settings)))
        call.log(DAVIT_LOG_WARNING, "switched " + changed + " on: this host forwards packets now");
    TRY(firewall_.add_network(settings));
    const std::lock_guard lock(mutex_);
    networks_[settings.key] = network;
    forget.keep();
    return network;
}

Result<void> BridgeDriver::forget_network(const Network& network) {
    const std::string& key = network.settings.key;
    TRY(firewall_.remove_network(network.settings));
    TRY(remove_bridge(network.settings.link, bridge_alias(key)));
    const Fd directory =
        TRY(open_beneath(state_.get(), kSettingsDirectory, O_RDONLY | O_DIRECTORY));
    const std::string file = settings_file(key);
    if (::unlinkat(directory.get(), file.c_str(), 0) != 0 && errno != ENOENT)
        return os_error("remove " + file);
    const std::lock_guard lock(mutex_);
    networks_.erase(key);
    return {};
}

Result<void> BridgeDriver::remove_network(const sdk::Call&, const davit_network_key& request) {
    const std::string key = sdk::text(request.network);
    const auto network = find_network(key);
    if (!network) return {};
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, endpoint] : endpoints_)
            if (id.network == key)
                return fail(Code::busy, "remove network ", key, ": endpoint ", id.endpoint,
                            " is attached to it");
    }
    return forget_network(*network);
}

// The bridge may be gone (somebody removed it), and a link of an endpoint that just ended may still
// have the name.
Result<EndpointLink> BridgeDriver::connect_somehow(const sdk::Call& call, EndpointPlan& plan,
                                                   const EndpointId& id) {
    const NetworkSettings settings = TRY(find_network(id.network)).settings;
    constexpr int kTries = 4;
    Result<EndpointLink> link =
        fail(Code::not_found, "find bridge ", settings.link, ": it is gone");
    for (int tries = 0; tries < kTries; ++tries) {
        if (plan.bridge == 0) plan.bridge = TRY(put_network(call, settings)).index;
        plan.host_name = sdk::link_name(
            "dvv", scope_,
            id.network + "/" + id.endpoint + std::string(static_cast<std::size_t>(tries), '+'));
        link = connect(plan);
        if (link) return link;
        const Code code = link.error().code;
        if (code == Code::not_found)
            plan.bridge = 0;
        else if (code != Code::exists)
            break;
    }
    return link;
}

Result<davit_endpoint_attached> BridgeDriver::attach(const sdk::Call& call,
                                                     const davit_endpoint_attach& request) {
    const EndpointId id{sdk::text(request.network), sdk::text(request.endpoint)};
    const Network network = TRY(find_network(id.network));
    EndpointPlan plan;
    plan.interface = TRY(sdk::interface_plan(request));
    if (plan.interface.mtu == 0) plan.interface.mtu = network.settings.mtu;
    plan.alias = endpoint_alias(id);
    plan.bridge = network.index;
    plan.isolated = !network.settings.icc;
    {
        const std::lock_guard lock(mutex_);
        if (!endpoints_.try_emplace(id).second)
            return fail(Code::exists, "attach endpoint ", id.endpoint, ": it is attached already");
    }
    Endpoint endpoint;
    Undo forget([&] {
        const std::lock_guard lock(mutex_);
        endpoints_.erase(id);
    });
    const EndpointLink link = TRY(connect_somehow(call, plan, id));
    endpoint = {.host_name = plan.host_name,
                .host_index = link.host_index,
                .ports = {},
                .published = {},
                .addresses = {}};
    Undo disconnect(
        [&] { reaper_.remove(link.host_index, plan.alias, std::chrono::milliseconds(0)); });
    endpoint.ports = port_rules(request.ports, request.port_count, plan.interface.addresses);
    if (network.settings.internal) endpoint.ports.clear();
    endpoint.published.assign(request.ports, request.ports + request.port_count);
    endpoint.addresses = plan.interface.addresses;
    TRY(firewall_.publish(endpoint.ports));
    TRY(firewall_.forget_datagrams(request.ports, request.port_count, plan.interface.addresses));
    disconnect.keep();
    forget.keep();
    {
        const std::lock_guard lock(mutex_);
        endpoints_[id] = std::move(endpoint);
    }
    auto attached = sdk::sized<davit_endpoint_attached>();
    attached.index = static_cast<std::uint32_t>(link.index);
    link.interface.copy(attached.interface, sizeof attached.interface - 1);
    std::copy(plan.interface.mac.begin(), plan.interface.mac.end(), attached.mac);
    return attached;
}

Result<void> BridgeDriver::detach(const sdk::Call&, const davit_endpoint_detach& request) {
    const EndpointId id{sdk::text(request.network), sdk::text(request.endpoint)};
    Endpoint endpoint;
    {
        const std::lock_guard lock(mutex_);
        const auto at = endpoints_.find(id);
        if (at == endpoints_.end()) return {};
        endpoint = at->second;
    }
    TRY(firewall_.withdraw(endpoint.ports));
    TRY(firewall_.forget_datagrams(endpoint.published.data(), endpoint.published.size(),
                                   endpoint.addresses));
    // A sandbox that goes takes its link with it; later one looks whether it did.
    const bool goes = request.netns_fd < 0;
    if (endpoint.host_index != 0)
        reaper_.remove(endpoint.host_index, endpoint_alias(id),
                       goes ? kGraceForSandbox : std::chrono::seconds(0));
    const std::lock_guard lock(mutex_);
    endpoints_.erase(id);
    return {};
}

Result<davit_endpoint_stats> BridgeDriver::stats(const sdk::Call&,
                                                 const davit_endpoint_key& request) {
    const EndpointId id{sdk::text(request.network), sdk::text(request.endpoint)};
    std::string host_name;
    {
        const std::lock_guard lock(mutex_);
        const auto at = endpoints_.find(id);
        if (at == endpoints_.end())
            return fail(Code::not_found, "count packets of ", id.endpoint, ": no such endpoint");
        host_name = at->second.host_name;
    }
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    return sdk::stats_of(TRY(sdk::find_link(socket, host_name)).counters, true);
}

}  // namespace davit::bridge
