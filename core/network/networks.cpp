// SPDX-License-Identifier: Apache-2.0
#include "core/network/networks.hpp"

#include "core/network/address_pool.hpp"
#include "core/network/port_map.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/netlink/link.hpp"

#include <boost/json.hpp>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

namespace davit::network {

namespace {

namespace bj = boost::json;

constexpr const char* kDefaultName = "bridge";  // what every client calls the default network
constexpr const char* kDefaultLink = "davit0";
constexpr int kLogWarning = 2;  // DAVIT_LOG_WARNING
constexpr std::size_t kIdBytes = 32;

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string random_id() {
    std::array<unsigned char, kIdBytes> raw{};
    (void)!::getrandom(raw.data(), raw.size(), 0);
    std::string text;
    char digits[3];
    for (const unsigned char byte : raw) {
        std::snprintf(digits, sizeof digits, "%02x", byte);
        text += digits;
    }
    return text;
}

davit_address address_of(const sdk::Prefix& prefix) {
    davit_address address{};
    std::copy(prefix.bytes.begin(), prefix.bytes.end(), address.bytes);
    address.family = prefix.family;
    address.prefix = prefix.length;
    return address;
}

sdk::Prefix prefix_of(const davit_address& address) {
    sdk::Prefix prefix{.bytes = {}, .family = address.family, .length = address.prefix};
    std::copy(std::begin(address.bytes), std::end(address.bytes), prefix.bytes.begin());
    return prefix;
}

std::string mac_text(const plugin::MacAddress& mac) {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                  mac[3], mac[4], mac[5]);
    return text;
}

Result<std::uint8_t> protocol_number(const std::string& name) {
    if (name == "tcp") return std::uint8_t{IPPROTO_TCP};
    if (name == "udp") return std::uint8_t{IPPROTO_UDP};
    if (name == "sctp") return std::uint8_t{IPPROTO_SCTP};
    return fail(Code::invalid, "publish port: unknown protocol ", name);
}

std::string protocol_name(std::uint8_t number) {
    return number == IPPROTO_UDP ? "udp" : number == IPPROTO_SCTP ? "sctp" : "tcp";
}

Result<PortWish> wish_of(const PortRequest& request) {
    PortWish wish{.host = {},
                  .first = request.first,
                  .last = request.last,
                  .container_port = request.container_port,
                  .protocol = TRY(protocol_number(request.protocol))};
    if (!request.host_address.empty() && request.host_address != "0.0.0.0")
        wish.host = TRY(sdk::parse_prefix(request.host_address).context("publish port"));
    if (request.host_address == "0.0.0.0") wish.host = {.bytes = {}, .family = 4, .length = 32};
    return wish;
}

// Docker shows a port that was published on every address once for each family.
void show_port(const davit_port& port, std::vector<PublishedPort>& shown) {
    const PublishedPort one{.protocol = protocol_name(port.protocol),
                            .host_address = "",
                            .container_port = port.container_port,
                            .host_port = port.host_port};
    if (port.host.family != 0) {
        shown.push_back(one);
        shown.back().host_address = sdk::address_text(prefix_of(port.host));
        return;
    }
    for (const char* every : {"0.0.0.0", "::"}) {
        shown.push_back(one);
        shown.back().host_address = every;
    }
}

// The ports of a stored endpoint as the driver takes them: what was shown twice is one again.
Result<std::vector<davit_port>> stored_ports(const Endpoint& endpoint) {
    std::vector<davit_port> ports;
    for (const PublishedPort& shown : endpoint.ports) {
        if (shown.host_address == "::") continue;
        davit_port port{.host = {},
                        .host_port = shown.host_port,
                        .container_port = shown.container_port,
                        .protocol = TRY(protocol_number(shown.protocol)),
                        .padding = {}};
        const auto twin = [&](const PublishedPort& other) {
            return other.host_address == "::" && other.host_port == shown.host_port &&
                   other.protocol == shown.protocol;
        };
        const bool every = shown.host_address == "0.0.0.0" &&
                           std::any_of(endpoint.ports.begin(), endpoint.ports.end(), twin);
        if (!every) port.host = address_of(TRY(sdk::parse_prefix(shown.host_address)));
        ports.push_back(port);
    }
    return ports;
}

sdk::Prefix endpoint_address(const Endpoint& endpoint) {
    auto parsed = sdk::parse_prefix(endpoint.address + "/" + std::to_string(endpoint.prefix));
    return parsed ? *parsed : sdk::Prefix{};
}

}  // namespace

Networks::Networks(store::Database& graph, NetworkSettings settings)
    : graph_(graph), settings_(std::move(settings)) {}

Networks::~Networks() = default;

Result<std::unique_ptr<Networks>> Networks::open(store::Database& graph, NetworkSettings settings) {
    std::unique_ptr<Networks> networks(new Networks(graph, std::move(settings)));
    TRY(networks->load());
    return networks;
}

Result<void> Networks::load() {
    TRY(graph_.session().each(
        "SELECT id, name, created, instance, link, subnet4, gateway4 FROM networks WHERE name = ?",
        [&](const store::Row& row) -> Result<void> {
            default_ = Network{.id = row.text(0),
                               .name = row.text(1),
                               .instance = row.text(3),
                               .link = row.text(4),
                               .subnet = TRY(sdk::parse_prefix(row.view(5))),
                               .gateway = TRY(sdk::parse_prefix(row.view(6))),
                               .created_ns = row.integer(2)};
            return {};
        },
        kDefaultName));
    if (!default_) return {};
    pool_ = std::make_unique<AddressPool>(TRY(AddressPool::create(default_->subnet)));
    return pool_->reserve(default_->gateway);
}

// A subnet of the pools that the host does not route already, its first address for the bridge; or
// --bip.
Result<Networks::Network> Networks::plan_default() const {
    Network network{.id = random_id(),
                    .name = kDefaultName,
                    .instance = "",
                    .link = settings_.bridge_link,
                    .subnet = {},
                    .gateway = {},
                    .created_ns = now_ns()};
    if (network.link.empty())
        network.link = ::if_nametoindex(kDefaultLink) == 0 ? kDefaultLink : "dv" + settings_.scope;
    if (!settings_.bridge_address.empty()) {
        network.gateway = TRY(sdk::parse_prefix(settings_.bridge_address));
        network.subnet = network.gateway.network();
        return network;
    }
    std::vector<SubnetBlock> blocks;
    for (const auto& pool : settings_.pools)
        blocks.push_back({TRY(sdk::parse_prefix(pool.base)), static_cast<std::uint8_t>(pool.size)});
    if (blocks.empty()) blocks = default_blocks(settings_.scope);
    auto socket = TRY(sdk::RouteSocket::open());
    network.subnet = TRY(choose_subnet(blocks, 4, TRY(sdk::list_routed_subnets(socket))));
    network.gateway = TRY(TRY(AddressPool::create(network.subnet)).allocate());
    return network;
}

Result<void> Networks::make(const std::shared_ptr<Cancel>& cancel, const Network& network) {
    const plugin::Network driver = TRY(settings_.driver(network.instance));
    sdk::Caller call(cancel);
    TRY(driver.create_network(call, {.key = network.id,
                                     .options = "{}",
                                     .link = network.link,
                                     .gateway4 = address_of(network.gateway),
                                     .gateway6 = {},
                                     .mtu = settings_.mtu,
                                     .flags = DAVIT_NETWORK_DEFAULT}));
    for (const plugin::Finding& finding : TRY(driver.check(call, network.id)))
        settings_.log(kLogWarning, finding.object + ": " + finding.text);
    return {};
}

// The row comes last: a crash before it leaves a link that `retain` does not know and removes.
Result<void> Networks::ensure_default(const std::shared_ptr<Cancel>& cancel) {
    if (made_) return {};
    if (default_) {
        TRY(make(cancel, *default_));
        made_ = true;
        return {};
    }
    Network network = TRY(plan_default());
    network.instance = TRY(settings_.driver("")).instance();
    TRY(make(cancel, network));
    auto pool = std::make_unique<AddressPool>(TRY(AddressPool::create(network.subnet)));
    TRY(pool->reserve(network.gateway));
    TRY(graph_.session().run(
        "INSERT INTO networks (id, name, created, instance, link, subnet4, gateway4, config) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        network.id, network.name, network.created_ns, network.instance, network.link,
        sdk::prefix_text(network.subnet), sdk::prefix_text(network.gateway), "{}"));
    pool_ = std::move(pool);
    default_ = std::move(network);
    made_ = true;
    return {};
}

Result<Connection> Networks::connect(const std::shared_ptr<Cancel>& cancel, const std::string& name,
                                     const ConnectRequest& request) {
    if (name != kDefaultName) return fail(Code::not_found, "network ", name, " not found");
    Network network;
    sdk::Prefix address;
    {
        std::lock_guard lock(mutex_);
        TRY(ensure_default(cancel));
        network = *default_;
        address = TRY(pool_->allocate());
    }
    Undo give_back([&] {
        std::lock_guard lock(mutex_);
        pool_->release(address);
    });
    std::vector<PortWish> wishes;
    for (const PortRequest& port : request.ports) wishes.push_back(TRY(wish_of(port)));
    std::vector<HeldPort> held = TRY(hold_ports(wishes));

    plugin::EndpointSpec spec{.network = network.id,
                              .endpoint = request.container,
                              .interface = "",
                              .netns = request.netns,
                              .flags = DAVIT_ENDPOINT_DEFAULT_ROUTE,
                              .addresses = {address_of(address)},
                              .gateway4 = address_of(network.gateway),
                              .ports = {}};
    auto endpoint = std::make_shared<Endpoint>();
    Connection connection;
    for (HeldPort& port : held) {
        spec.ports.push_back(port.port);
        show_port(port.port, endpoint->ports);
        for (Fd& socket : port.sockets) connection.reservations.push_back(std::move(socket));
    }
    sdk::Caller call(cancel);
    const plugin::Network driver = TRY(settings_.driver(network.instance));
    const plugin::Attached attached = TRY(driver.attach(call, spec));
    endpoint->id = request.container;
    endpoint->network = network.name;
    endpoint->network_id = network.id;
    endpoint->interface = attached.interface;
    endpoint->mac = mac_text(attached.mac);
    endpoint->address = sdk::address_text(address);
    endpoint->gateway = sdk::address_text(network.gateway);
    endpoint->prefix = address.length;
    connection.endpoint = std::move(endpoint);
    give_back.keep();
    return connection;
}

void Networks::disconnect(const Endpoint& endpoint) {
    std::string instance;
    {
        std::lock_guard lock(mutex_);
        if (!default_ || default_->id != endpoint.network_id) return;
        instance = default_->instance;
    }
    sdk::Caller call;
    const auto driver = settings_.driver(instance);
    auto done = driver ? driver->detach(call, endpoint.network_id, endpoint.id, -1)
                       : Result<void>(Error(driver.error()));
    if (!done) settings_.log(kLogWarning, "disconnect " + endpoint.id + ": " + done.error().what);
    std::lock_guard lock(mutex_);
    pool_->release(endpoint_address(endpoint));
}

Result<std::vector<Connection>> Networks::recover(
    const std::vector<std::shared_ptr<const Endpoint>>& live) {
    std::vector<Connection> connections(live.size());
    std::lock_guard lock(mutex_);
    if (!default_) return connections;  // no network was ever made: the driver has nothing of ours
    std::vector<plugin::LiveEndpoint> known;
    for (std::size_t i = 0; i < live.size(); ++i) {
        connections[i].endpoint = live[i];
        plugin::LiveEndpoint endpoint{.network = live[i]->network_id,
                                      .endpoint = live[i]->id,
                                      .addresses = {address_of(endpoint_address(*live[i]))},
                                      .ports = TRY(stored_ports(*live[i]))};
        (void)pool_->reserve(endpoint_address(*live[i]));  // one that is taken twice was so before
        for (const davit_port& port : endpoint.ports) hold_again(port, connections[i].reservations);
        known.push_back(std::move(endpoint));
    }
    TRY(ensure_default(nullptr));
    const plugin::Network driver = TRY(settings_.driver(default_->instance));
    sdk::Caller call;
    for (const plugin::Finding& finding : TRY(driver.retain(call, {default_->id}, known)))
        settings_.log(kLogWarning, finding.object + ": " + finding.text);
    return connections;
}

// A port that somebody took while the daemon was down keeps its mapping (seams rule 5).
void Networks::hold_again(const davit_port& port, std::vector<Fd>& reservations) {
    auto held = hold_port({.host = prefix_of(port.host),
                           .first = port.host_port,
                           .last = port.host_port,
                           .container_port = port.container_port,
                           .protocol = port.protocol});
    if (!held) {
        settings_.log(kLogWarning, "hold port " + port_text(port) + " again: " + held.error().what +
                                       "; it keeps leading to its container");
        return;
    }
    for (Fd& socket : held->sockets) reservations.push_back(std::move(socket));
}

std::vector<std::string> Networks::findings() const {
    std::string network, instance;
    {
        std::lock_guard lock(mutex_);
        if (!made_) return {};
        network = default_->id;
        instance = default_->instance;
    }
    const auto driver = settings_.driver(instance);
    if (!driver) return {driver.error().what};
    sdk::Caller call;
    const auto found = driver->check(call, network);
    if (!found) return {found.error().what};
    std::vector<std::string> texts;
    for (const plugin::Finding& finding : *found)
        if (!finding.repaired) texts.push_back(finding.object + ": " + finding.text);
    return texts;
}

bj::object Networks::shown(const Network& network) const {
    bj::object ipam{
        {"Driver", "default"},
        {"Options", nullptr},
        {"Config", bj::array{bj::object{{"Subnet", sdk::prefix_text(network.subnet)},
                                        {"Gateway", sdk::address_text(network.gateway)}}}}};
    return shown_plain(network.name, network.id, network.instance, std::move(ipam),
                       network.created_ns);
}

bj::object Networks::shown_plain(const std::string& name, const std::string& id,
                                 const std::string& driver, bj::object ipam,
                                 std::int64_t created_ns) const {
    return {{"Name", name},
            {"Id", id},
            {"Created", format_seconds(created_ns)},
            {"Scope", "local"},
            {"Driver", driver},
            {"EnableIPv4", true},
            {"EnableIPv6", false},
            {"IPAM", std::move(ipam)},
            {"Internal", false},
            {"Attachable", false},
            {"Ingress", false},
            {"ConfigFrom", bj::object{{"Network", ""}}},
            {"ConfigOnly", false},
            {"Containers", bj::object()},
            {"Options", bj::object()},
            {"Labels", bj::object()}};
}

std::string Networks::format_seconds(std::int64_t ns) {
    const std::time_t seconds = ns / 1'000'000'000;
    std::tm broken{};
    ::gmtime_r(&seconds, &broken);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken);
    return text;
}

// host and none are no records: they are what their names say on every host.
bj::array Networks::list() const {
    std::lock_guard lock(mutex_);
    bj::array entries;
    const bj::object none{{"Driver", "default"}, {"Options", nullptr}, {"Config", bj::array()}};
    if (default_)
        entries.push_back(shown(*default_));
    else
        entries.push_back(shown_plain(kDefaultName, std::string(64, '0'), kDefaultName, none, 0));
    entries.push_back(shown_plain("host", std::string(63, '0') + "1", "host", none, 0));
    entries.push_back(shown_plain("none", std::string(63, '0') + "2", "null", none, 0));
    return entries;
}

Result<bj::object> Networks::inspect(const std::string& name) const {
    for (bj::value& entry : list()) {
        bj::object& network = entry.get_object();
        const std::string id(network["Id"].get_string());
        if (network["Name"].get_string() == name || (!name.empty() && id.starts_with(name)))
            return std::move(network);
    }
    return fail(Code::not_found, "network ", name, " not found");
}

}  // namespace davit::network
