// SPDX-License-Identifier: Apache-2.0
// The network driver to copy: each endpoint is a veth pair, point to point, and the host routes.
// IPv4 only, no published ports. What every method promises is written in davit/network.h. State:
// networks/<key>, a link to "<gateway>/<bits>". All else is the kernel's: a veth's alias tells
// whose it is and its address; each network has a routing table, beyond which nothing is reached.
#include "sdk/base/file.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/endpoint/answer.hpp"
#include "sdk/endpoint/finding.hpp"
#include "sdk/endpoint/interface.hpp"
#include "sdk/endpoint/link_name.hpp"
#include "sdk/endpoint/sysctl.hpp"
#include "sdk/netlink/rule.hpp"
#include "sdk/plugin/network_driver.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <set>

namespace davit::ptp {
using namespace davit::sdk;
struct Network {
    std::string key, settings;
    Prefix subnet, gateway;
    std::uint32_t table;
    std::vector<RoutingRule> rules;  // what comes from it and what goes to it is the table's
    Route wall;                      // where what the table does not know ends
};

class PtpDriver final : public NetworkDriver {
public:
    PtpDriver(Fd state, std::string owner) : state_(std::move(state)), owner_(std::move(owner)) {}

    static Result<std::unique_ptr<PtpDriver>> open(const Call&, const davit_open& in) {
        TRY(make_directory(in.state_fd, "networks"));
        Fd state = TRY(open_beneath(in.state_fd, "networks", O_RDONLY | O_DIRECTORY));
        const std::string owner = "davit/" + text(in.scope) + "/" + text(in.instance) + "/";
        return std::make_unique<PtpDriver>(std::move(state), owner);
    }

    Result<davit_network_created> create_network(const Call&,
                                                 const davit_network_create& in) override {
        if (in.gateway4.family == 0 || in.gateway6.family != 0 || in.mtu != 0 ||
            in.flags > DAVIT_NETWORK_INTERNAL)
            return fail(Code::unsupported, "create network: IPv4 alone, without MTU or icc=false");
        const std::string key = text(in.network), wanted = prefix_text(prefix_of(in.gateway4));
        auto out = sized<davit_network_created>();
        if (const auto known = find_network(key)) {
            if (known->settings != wanted)
                return fail(Code::exists, "create network ", key, ": it has another subnet");
            out.existed = 1;
        } else if (::symlinkat(wanted.c_str(), state_.get(), key.c_str()) != 0) {
            return os_error("write settings of network " + key);
        }
        TRY(put_network(TRY(find_network(key))));
        return out;
    }

    Result<void> remove_network(const Call&, const davit_network_key& in) override {
        const auto network = find_network(text(in.network));
        if (!network) return {};
        if (!TRY(links(network->key + "/")).empty())
            return fail(Code::busy, "remove network ", network->key, ": endpoints are attached");
        return forget_network(*network);
    }

    Result<davit_endpoint_attached> attach(const Call&, const davit_endpoint_attach& in) override {
        const Network network = TRY(find_network(text(in.network)));
        InterfacePlan plan = TRY(interface_plan(in));
        if (in.port_count != 0 || plan.addresses.size() != 1 || plan.addresses[0].family != 4)
            return fail(Code::unsupported, "attach endpoint: one IPv4 address, no published ports");
        const std::string name = network.key + "/" + text(in.endpoint);
        plan.addresses[0].length = 32;
        plan.routes = {{.destination = network.gateway},
                       {.destination = network.subnet, .gateway = network.gateway}};
        const std::string veth = veth_of(in.network, in.endpoint);
        RouteSocket host = TRY(RouteSocket::open());
        if (find_link(host, veth)) return fail(Code::exists, "attach endpoint ", name);
        queue_veth(host, {.name = veth,
                          .peer_name = plan.name,
                          .peer_mac = plan.mac,
                          .peer_netns = plan.netns,
                          .mtu = plan.mtu});
        queue_link_alias(host, veth, owner_ + name + "/" + address_text(plan.addresses[0]));
        TRY(host.commit());
        const std::vector<Link> link{TRY(find_link(host, veth))};
        Undo forget([&] { (void)remove_links(host, link); });
        TRY(put_endpoint(network, link[0]));
        const Link inside = TRY(configure_interface(plan));
        TRY(await_service(host, veth));
        forget.keep();
        return attached_as(inside);
    }
    Result<void> detach(const Call&, const davit_endpoint_detach& in) override {
        RouteSocket socket = TRY(RouteSocket::open());
        const auto link = find_link(socket, veth_of(in.network, in.endpoint));
        return link ? remove_links(socket, {*link}) : Result<void>();
    }
    Result<davit_endpoint_stats> stats(const Call&, const davit_endpoint_key& in) override {
        RouteSocket socket = TRY(RouteSocket::open());
        return stats_of(TRY(find_link(socket, veth_of(in.network, in.endpoint))).counters, true);
    }
    Result<void> check(const Call& call, const davit_network_key& in) override {
        for (const Network& network : TRY(networks())) {
            if (in.network.length != 0 && network.key != view(in.network)) continue;
            std::size_t mended = TRY(put_network(network));
            for (const Link& link : TRY(links(network.key + "/")))
                mended += TRY(put_endpoint(network, link));
            if (mended != 0)
                TRY(emit_network_finding(call, network.key, "rules or routes were missing", true));
        }
        return {};
    }
    Result<void> retain(const Call& call, const davit_network_retain& in) override {
        std::set<std::string> live;  // "network/" and "network/endpoint"
        for (std::uint64_t i = 0; i < in.network_count; ++i)
            live.insert(text(in.networks[i]) + "/");
        for (std::uint64_t i = 0; i < in.endpoint_count; ++i) {
            const std::string network = text(in.endpoints[i].network) + "/";
            const std::string endpoint = network + text(in.endpoints[i].endpoint);
            live.insert(endpoint);
            if (TRY(links(endpoint + "/")).empty())
                TRY(emit_network_finding(call, endpoint, "link gone: restart the container",
                                         false));
        }
        RouteSocket socket = TRY(RouteSocket::open());
        for (const Link& link : TRY(links(""))) {
            const auto end = link.alias.rfind('/');
            const std::string name = link.alias.substr(owner_.size(), end - owner_.size());
            if (live.contains(name)) continue;
            TRY(remove_links(socket, {link}));
            TRY(emit_network_finding(call, name, "not in use any more: removed", true));
        }
        for (const Network& network : TRY(networks())) {
            if (live.contains(network.key + "/")) continue;
            TRY(forget_network(network));
            TRY(emit_network_finding(call, network.key, "not in use any more: removed", true));
        }
        return check(call, sized<davit_network_key>());
    }

private:
    Result<Network> find_network(const std::string& key) const {
        const auto settings = read_link(state_.get(), key);
        if (!settings) return fail(Code::not_found, "find network ", key, ": no such network");
        const Prefix given = TRY(parse_prefix(*settings));
        const Prefix gateway = TRY(parse_prefix(address_text(given)));
        const auto digits = std::stoul(key_digest(owner_ + key).substr(0, 7), nullptr, 16);
        const auto table = static_cast<std::uint32_t>(digits) | 0x40000000u;  // above people's own
        const Prefix subnet = given.network(), everywhere{.bytes = {}, .family = 4};
        const std::vector<RoutingRule> rules{{subnet, {}, table, 100}, {{}, subnet, table, 100}};
        return Network{key, *settings, subnet, gateway, table, rules, {everywhere, 0, {}, table}};
    }
    Result<std::vector<Network>> networks() const {
        std::vector<Network> all;
        for (const std::string& key : TRY(list_names(state_.get())))
            all.push_back(TRY(find_network(key)));
        return all;
    }
    std::string veth_of(davit_str network, davit_str endpoint) const {
        return link_name("dvp", owner_.substr(sizeof "davit"),
                         text(network) + "/" + text(endpoint));
    }
    // The host's ends of endpoints; `beginning` of "network/endpoint/address".
    Result<std::vector<Link>> links(const std::string& beginning) const {
        RouteSocket socket = TRY(RouteSocket::open());
        return list_links(socket, owner_ + beginning);
    }
    // What was missing is there when these return.
    Result<std::size_t> put_network(const Network& network) const {
        RouteSocket socket = TRY(RouteSocket::open());
        for (const RoutingRule& rule : network.rules) queue_rule(socket, rule);
        queue_route(socket, network.wall, network.key);
        return socket.put();
    }
    // Strict: a container may only send from its own address, so that the rules cannot be fooled.
    Result<std::size_t> put_endpoint(const Network& network, const Link& link) const {
        TRY(write_sysctl("ipv4/conf/" + link.name + "/rp_filter", "1"));
        TRY(write_sysctl("ipv4/conf/" + link.name + "/forwarding", "1"));
        if (has_ipv6()) TRY(write_sysctl("ipv6/conf/" + link.name + "/disable_ipv6", "1"));
        const auto address = TRY(parse_prefix(link.alias.substr(link.alias.rfind('/') + 1)));
        RouteSocket socket = TRY(RouteSocket::open());
        queue_address(socket, link.index, network.gateway, link.name);
        queue_route(socket, {address, link.index, {}, network.table}, link.name);
        return socket.put();
    }
    Result<void> forget_network(const Network& network) const {
        RouteSocket socket = TRY(RouteSocket::open());
        for (const RoutingRule& rule : network.rules) queue_rule_removal(socket, rule);
        queue_route_removal(socket, network.wall, network.key);
        (void)socket.commit();  // what was never made, or is gone already, is refused
        if (::unlinkat(state_.get(), network.key.c_str(), 0) == 0) return {};
        return os_error("remove network " + network.key);
    }
    const Fd state_;
    const std::string owner_;  // how every alias of ours begins
};

}  // namespace davit::ptp
DAVIT_DRIVER(NetworkDriver, "network", "ptp", davit::ptp::PtpDriver)
