// SPDX-License-Identifier: Apache-2.0
#include "endpoint.hpp"

#include "sdk/base/netns.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/plugin/value.hpp"
#include "sysctl.hpp"

#include <net/if.h>
#include <algorithm>
#include <chrono>
#include <thread>

namespace davit::bridge {
namespace {

bool has_family(const std::vector<sdk::Prefix>& addresses, std::uint8_t family) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const auto& address) { return address.family == family; });
}

// "net.ipv4.conf.IFNAME.rp_filter" → "ipv4/conf/IFNAME/rp_filter". Only settings of the interface
// itself.
Result<std::string> sysctl_path(const std::string& key) {
    std::string path = key;
    const bool sound = path.starts_with("net.") && path.find(".IFNAME.") != std::string::npos &&
                       path.find("..") == std::string::npos && path.find('/') == std::string::npos;
    if (!sound) return fail(Code::invalid, "set sysctl ", key, ": expected net.….IFNAME.…");
    path.erase(0, sizeof "net." - 1);
    std::replace(path.begin(), path.end(), '.', '/');
    return path;
}

Result<std::string> interface_pattern(const davit_endpoint_attach& request) {
    const std::string exact = sdk::text(request.interface);
    const std::string prefix = sdk::text(request.interface_prefix);
    const std::string& given = exact.empty() ? prefix : exact;
    const auto odd = [](unsigned char c) {
        return c <= ' ' || c == '/' || c == ':' || c == '%' || c >= 0x7f;
    };
    if (given.size() >= IFNAMSIZ || std::any_of(given.begin(), given.end(), odd))
        return fail(Code::invalid, "name interface ", given,
                    ": at most 15 characters without / : % and blanks");
    if (!exact.empty()) return exact;
    return (prefix.empty() ? "eth" : prefix) + "%d";
}

// Inside the sandbox: what the kernel made of our request.
Result<sdk::Link> find_own_end(sdk::RouteSocket& socket, const EndpointPlan& plan) {
    for (sdk::Link& link : TRY(sdk::list_links(socket)))
        if (link.kind == "veth" && link.mac == plan.mac && !link.up) return std::move(link);
    return fail(Code::internal, "find interface in sandbox: it is not there");
}

// Router advertisements of other containers are not heeded, and an interface without an IPv6
// address does not speak IPv6 at all. All of it before the link is up.
Result<void> write_interface_sysctls(const EndpointPlan& plan, const std::string& name) {
    if (has_ipv6()) {
        const std::string conf = "ipv6/conf/" + name + "/";
        if (has_family(plan.addresses, 6)) {
            TRY(write_sysctl(conf + "disable_ipv6", "0"));
            TRY(write_sysctl(conf + "accept_ra", "0"));
            TRY(write_sysctl(conf + "accept_dad", "0"));
        } else {
            TRY(write_sysctl(conf + "disable_ipv6", "1"));
        }
    }
    for (const auto& [path, value] : plan.sysctls) {
        std::string own = path;
        own.replace(own.find("IFNAME"), sizeof "IFNAME" - 1, name);
        TRY(write_sysctl(own, value));
    }
    return {};
}

// The kernel puts a link into service from a work queue once its carrier is there: until then its
// queue swallows every packet, and a bridge lets nothing through such a port. A first packet that
// is lost costs its sender a second. Since Linux 6.8 asking for the link makes the kernel do it at
// once; before, it is a matter of a few milliseconds.
Result<void> await_service(sdk::RouteSocket& socket, const std::string& name) {
    constexpr int kTries = 100;
    constexpr std::chrono::milliseconds kPause{1};
    for (int tries = 0; tries < kTries; ++tries) {
        if (TRY(sdk::find_link(socket, name)).running) return {};
        std::this_thread::sleep_for(kPause);
    }
    return {};  // no reason to refuse the endpoint: the sandbox may have taken its end down
}

Result<EndpointLink> configure_inside(const EndpointPlan& plan) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const sdk::Link end = TRY(find_own_end(socket, plan));
    TRY(write_interface_sysctls(plan, end.name));
    for (const sdk::Prefix& address : plan.addresses)
        sdk::queue_address(socket, end.index, address, end.name);
    sdk::queue_link_up(socket, end.index);
    for (const sdk::Prefix& gateway : plan.gateways)
        sdk::queue_default_route(socket, end.index, gateway, end.name);
    TRY(socket.commit());
    TRY(await_service(socket, end.name));
    return EndpointLink{.host_index = end.parent, .index = end.index, .interface = end.name};
}

void remove_link(sdk::RouteSocket& socket, const std::string& name) {
    const auto link = sdk::find_link(socket, name);
    if (!link) return;
    sdk::queue_link_removal(socket, link->index);
    (void)socket.commit();
}

}  // namespace

sdk::Mac mac_of(const std::vector<sdk::Prefix>& addresses) {
    sdk::Mac mac{0x02, 0x42};
    const auto four = std::find_if(addresses.begin(), addresses.end(),
                                   [](const auto& a) { return a.family == 4; });
    const auto best = four != addresses.end() ? four : addresses.begin();
    if (best != addresses.end())
        std::copy_n(best->bytes.begin() + static_cast<long>(best->width()) - 4, 4, mac.begin() + 2);
    return mac;
}

Result<EndpointPlan> plan_of(const davit_endpoint_attach& request, const NetworkSettings& network) {
    EndpointPlan plan;
    plan.netns = request.netns_fd;
    plan.interface = TRY(interface_pattern(request));
    plan.mtu = request.mtu != 0 ? request.mtu : network.mtu;
    for (std::uint64_t i = 0; i < request.address_count; ++i)
        plan.addresses.push_back(prefix_of(request.addresses[i]));
    if (plan.addresses.empty()) return fail(Code::invalid, "attach endpoint: it has no address");
    std::copy(std::begin(request.mac), std::end(request.mac), plan.mac.begin());
    if (plan.mac == sdk::Mac{}) plan.mac = mac_of(plan.addresses);
    if ((request.flags & DAVIT_ENDPOINT_DEFAULT_ROUTE) != 0) {
        if (request.gateway4.family != 0) plan.gateways.push_back(prefix_of(request.gateway4));
        if (request.gateway6.family != 0) plan.gateways.push_back(prefix_of(request.gateway6));
    }
    for (std::uint64_t i = 0; i < request.sysctl_count; ++i)
        plan.sysctls.emplace_back(TRY(sysctl_path(sdk::text(request.sysctls[i].key))),
                                  sdk::text(request.sysctls[i].value));
    return plan;
}

Result<EndpointLink> connect(const EndpointPlan& plan) {
    sdk::RouteSocket host = TRY(sdk::RouteSocket::open());
    sdk::queue_veth(host, {.name = plan.host_name,
                           .peer_name = plan.interface,
                           .peer_mac = plan.mac,
                           .peer_netns = plan.netns,
                           .master = plan.bridge,
                           .mtu = plan.mtu});
    TRY(host.commit());
    Undo forget([&] { remove_link(host, plan.host_name); });
    sdk::queue_port(
        host,
        {.name = plan.host_name, .alias = plan.alias, .hairpin = true, .isolated = plan.isolated});
    TRY(host.commit());
    // The bridge takes what arrives here; the port itself speaks no IPv6.
    if (has_ipv6()) TRY(write_sysctl("ipv6/conf/" + plan.host_name + "/disable_ipv6", "1"));
    EndpointLink link;
    const auto inside = [&]() -> Result<void> {
        link = TRY(configure_inside(plan));
        return {};
    };
    TRY(run_in_netns(plan.netns, inside));
    TRY(await_service(host, plan.host_name));
    forget.keep();
    return link;
}

}  // namespace davit::bridge
