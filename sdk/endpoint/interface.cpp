// SPDX-License-Identifier: Apache-2.0
#include "sdk/endpoint/interface.hpp"

#include "sdk/base/netns.hpp"
#include "sdk/endpoint/sysctl.hpp"
#include "sdk/plugin/value.hpp"

#include <net/if.h>
#include <algorithm>
#include <chrono>
#include <thread>

namespace davit::sdk {
namespace {

bool has_family(const std::vector<Prefix>& addresses, std::uint8_t family) {
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
    const std::string exact = text(request.interface);
    const std::string prefix = text(request.interface_prefix);
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

// Inside the sandbox: what the kernel made of the driver's request.
Result<Link> find_own(RouteSocket& socket, const InterfacePlan& plan) {
    for (Link& link : TRY(list_links(socket))) {
        const bool own = plan.index != 0 ? link.index == plan.index : link.mac == plan.mac;
        if (own && !link.up) return std::move(link);
    }
    return fail(Code::internal, "find interface in sandbox: it is not there");
}

// Router advertisements of other containers are not heeded, and an interface without an IPv6
// address does not speak IPv6 at all. All of it before the link is up.
Result<void> write_interface_sysctls(const InterfacePlan& plan, const std::string& name) {
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

Result<Link> configure_inside(const InterfacePlan& plan) {
    RouteSocket socket = TRY(RouteSocket::open());
    Link own = TRY(find_own(socket, plan));
    TRY(write_interface_sysctls(plan, own.name));
    if (!plan.alias.empty()) queue_link_alias(socket, own.name, plan.alias);
    if (own.mac != plan.mac) queue_link_mac(socket, own.index, plan.mac);
    for (const Prefix& address : plan.addresses)
        queue_address(socket, own.index, address, own.name);
    queue_link_up(socket, own.index);
    for (Route route : plan.routes) {
        route.link = own.index;
        queue_route(socket, route, own.name);
    }
    for (const Prefix& gateway : plan.gateways)
        queue_default_route(socket, own.index, gateway, own.name);
    TRY(socket.commit());
    TRY(await_service(socket, own.name));
    return own;
}

}  // namespace

Prefix prefix_of(const davit_address& address) {
    Prefix prefix;
    prefix.family = address.family;
    prefix.length = address.prefix;
    std::copy(std::begin(address.bytes), std::end(address.bytes), prefix.bytes.begin());
    return prefix;
}

Mac mac_of(const std::vector<Prefix>& addresses) {
    Mac mac{0x02, 0x42};
    const auto four = std::find_if(addresses.begin(), addresses.end(),
                                   [](const auto& a) { return a.family == 4; });
    const auto best = four != addresses.end() ? four : addresses.begin();
    if (best != addresses.end())
        std::copy_n(best->bytes.begin() + static_cast<long>(best->width()) - 4, 4, mac.begin() + 2);
    return mac;
}

Result<InterfacePlan> interface_plan(const davit_endpoint_attach& request) {
    InterfacePlan plan;
    plan.netns = request.netns_fd;
    plan.name = TRY(interface_pattern(request));
    plan.mtu = request.mtu;
    for (std::uint64_t i = 0; i < request.address_count; ++i)
        plan.addresses.push_back(prefix_of(request.addresses[i]));
    if (plan.addresses.empty()) return fail(Code::invalid, "attach endpoint: it has no address");
    std::copy(std::begin(request.mac), std::end(request.mac), plan.mac.begin());
    if (plan.mac == Mac{}) plan.mac = mac_of(plan.addresses);
    if ((request.flags & DAVIT_ENDPOINT_DEFAULT_ROUTE) != 0) {
        if (request.gateway4.family != 0) plan.gateways.push_back(prefix_of(request.gateway4));
        if (request.gateway6.family != 0) plan.gateways.push_back(prefix_of(request.gateway6));
    }
    for (std::uint64_t i = 0; i < request.sysctl_count; ++i)
        plan.sysctls.emplace_back(TRY(sysctl_path(text(request.sysctls[i].key))),
                                  text(request.sysctls[i].value));
    return plan;
}

Result<Link> configure_interface(const InterfacePlan& plan) {
    Link own;
    const auto inside = [&]() -> Result<void> {
        own = TRY(configure_inside(plan));
        return {};
    };
    TRY(run_in_netns(plan.netns, inside));
    return own;
}

// The kernel puts a link into service from a work queue once its carrier is there: until then a
// bridge lets nothing through such a port. A first packet that is lost costs its sender a second.
// Since Linux 6.8 asking for the link makes the kernel do it at once; before, it is a matter of a
// few milliseconds.
Result<void> await_service(RouteSocket& socket, const std::string& name) {
    constexpr int kTries = 100;
    constexpr std::chrono::milliseconds kPause{1};
    for (int tries = 0; tries < kTries; ++tries) {
        if (TRY(find_link(socket, name)).running) return {};
        std::this_thread::sleep_for(kPause);
    }
    return {};  // no reason to refuse the endpoint: the sandbox may have taken its end down
}

}  // namespace davit::sdk
