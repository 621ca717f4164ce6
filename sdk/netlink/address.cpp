// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/address.hpp"

#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/route/addr.h>
#include <netlink/route/route.h>

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

namespace davit::sdk {
namespace {

template <class T, void (*Release)(T*)>
struct Releaser {
    void operator()(T* object) const { Release(object); }
};
using AddressObject = std::unique_ptr<rtnl_addr, Releaser<rtnl_addr, rtnl_addr_put>>;
using RouteObject = std::unique_ptr<rtnl_route, Releaser<rtnl_route, rtnl_route_put>>;
using Bytes = std::unique_ptr<nl_addr, Releaser<nl_addr, nl_addr_put>>;
using Cache = std::unique_ptr<nl_cache, Releaser<nl_cache, nl_cache_free>>;

int os_family(const Prefix& prefix) { return prefix.family == 4 ? AF_INET : AF_INET6; }

Bytes to_netlink(const Prefix& prefix) {
    Bytes bytes(nl_addr_build(os_family(prefix), prefix.bytes.data(), prefix.width()));
    nl_addr_set_prefixlen(bytes.get(), prefix.length);
    return bytes;
}

Prefix from_netlink(const nl_addr* address) {
    Prefix prefix;
    if (address == nullptr) return prefix;
    prefix.family = nl_addr_get_family(address) == AF_INET ? 4 : 6;
    prefix.length = static_cast<std::uint8_t>(nl_addr_get_prefixlen(address));
    const std::size_t width = std::min<std::size_t>(nl_addr_get_len(address), prefix.bytes.size());
    std::memcpy(prefix.bytes.data(), nl_addr_get_binary_addr(address), width);
    return prefix;
}

void queue_new_route(RouteSocket& socket, const RouteObject& route, std::string doing) {
    nl_msg* message = nullptr;
    rtnl_route_build_add_request(route.get(), NLM_F_CREATE | NLM_F_EXCL, &message);
    socket.queue(message, std::move(doing));
}

RouteObject new_route(int link, const Prefix& destination, const nl_addr* gateway) {
    RouteObject route(rtnl_route_alloc());
    rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(os_family(destination)));
    rtnl_route_set_table(route.get(), RT_TABLE_MAIN);
    rtnl_route_set_dst(route.get(), to_netlink(destination).get());
    rtnl_route_set_scope(route.get(), gateway == nullptr ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
    rtnl_nexthop* hop = rtnl_route_nh_alloc();
    rtnl_route_nh_set_ifindex(hop, link);
    if (gateway != nullptr) rtnl_route_nh_set_gateway(hop, const_cast<nl_addr*>(gateway));
    rtnl_route_add_nexthop(route.get(), hop);
    return route;
}

RouteObject object_of(const Route& route) {
    const Bytes gateway = route.gateway.family == 0 ? nullptr : to_netlink(route.gateway);
    RouteObject object = new_route(route.link, route.destination, gateway.get());
    rtnl_route_set_table(object.get(), route.table == 0 ? RT_TABLE_MAIN : route.table);
    if (route.link == 0) {
        rtnl_route_set_type(object.get(), RTN_UNREACHABLE);
        rtnl_route_set_scope(object.get(), RT_SCOPE_UNIVERSE);
        rtnl_route_remove_nexthop(object.get(), rtnl_route_nexthop_n(object.get(), 0));
    }
    return object;
}

}  // namespace

Prefix Prefix::network() const {
    Prefix masked = *this;
    for (std::size_t bit = length; bit < width() * 8; ++bit)
        masked.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
    return masked;
}

bool Prefix::contains(const Prefix& other) const {
    if (family != other.family || length > other.length) return false;
    Prefix shortened = other;
    shortened.length = length;
    return shortened.network().bytes == network().bytes;
}

Result<Prefix> parse_prefix(std::string_view text) {
    const auto refuse = [&] {
        return fail(Code::invalid, "parse address ", text, ": not an IP address or subnet");
    };
    const std::size_t slash = text.find('/');
    const std::string address(text.substr(0, slash));
    Prefix prefix;
    if (::inet_pton(AF_INET, address.c_str(), prefix.bytes.data()) == 1)
        prefix.family = 4;
    else if (::inet_pton(AF_INET6, address.c_str(), prefix.bytes.data()) == 1)
        prefix.family = 6;
    else
        return refuse();
    prefix.length = static_cast<std::uint8_t>(prefix.width() * 8);
    if (slash == std::string_view::npos) return prefix;
    const std::string_view digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > prefix.length)
        return refuse();
    prefix.length = static_cast<std::uint8_t>(bits);
    return prefix;
}

std::string address_text(const Prefix& prefix) {
    if (prefix.family == 0) return {};
    char text[INET6_ADDRSTRLEN];
    return ::inet_ntop(os_family(prefix), prefix.bytes.data(), text, sizeof text);
}

std::string prefix_text(const Prefix& prefix) {
    return prefix.family == 0 ? std::string()
                              : address_text(prefix) + "/" + std::to_string(prefix.length);
}

void queue_address(RouteSocket& socket, int link, const Prefix& address, const std::string& where) {
    const AddressObject object(rtnl_addr_alloc());
    rtnl_addr_set_ifindex(object.get(), link);
    rtnl_addr_set_local(object.get(), to_netlink(address).get());
    if (address.family == 6) rtnl_addr_set_flags(object.get(), IFA_F_NODAD);
    nl_msg* message = nullptr;
    rtnl_addr_build_add_request(object.get(), NLM_F_CREATE | NLM_F_EXCL, &message);
    socket.queue(message, "add address " + prefix_text(address) + " to " + where);
}

void queue_default_route(RouteSocket& socket, int link, const Prefix& gateway,
                         const std::string& where) {
    Prefix everywhere;
    everywhere.family = gateway.family;
    Prefix exact = gateway;
    exact.length = static_cast<std::uint8_t>(gateway.width() * 8);
    queue_new_route(socket, new_route(link, everywhere, to_netlink(exact).get()),
                    "add default route by " + address_text(gateway) + " on " + where);
}

void queue_default_route_removal(RouteSocket& socket, int link, const Prefix& gateway,
                                 const std::string& where) {
    Prefix everywhere;
    everywhere.family = gateway.family;
    Prefix exact = gateway;
    exact.length = static_cast<std::uint8_t>(gateway.width() * 8);
    const RouteObject route = new_route(link, everywhere, to_netlink(exact).get());
    nl_msg* message = nullptr;
    rtnl_route_build_del_request(route.get(), 0, &message);
    socket.queue(message, "remove default route by " + address_text(gateway) + " on " + where);
}

void queue_link_route(RouteSocket& socket, int link, const Prefix& destination,
                      const std::string& where) {
    queue_new_route(socket, new_route(link, destination.network(), nullptr),
                    "add route to " + prefix_text(destination) + " on " + where);
}

void queue_route(RouteSocket& socket, const Route& route, const std::string& where) {
    queue_new_route(socket, object_of(route),
                    "add route to " + prefix_text(route.destination) + " on " + where);
}

void queue_route_removal(RouteSocket& socket, const Route& route, const std::string& where) {
    nl_msg* message = nullptr;
    rtnl_route_build_del_request(object_of(route).get(), 0, &message);
    socket.queue(message, "remove route to " + prefix_text(route.destination) + " on " + where);
}

Result<std::vector<LinkAddress>> list_addresses(RouteSocket& socket) {
    nl_cache* filled = nullptr;
    if (const int error = rtnl_addr_alloc_cache(socket.raw(), &filled); error < 0)
        return fail(Code::internal, "list addresses: ", nl_geterror(error));
    const Cache cache(filled);
    std::vector<LinkAddress> addresses;
    for (nl_object* at = nl_cache_get_first(filled); at != nullptr; at = nl_cache_get_next(at)) {
        auto* object = reinterpret_cast<rtnl_addr*>(at);
        LinkAddress found{rtnl_addr_get_ifindex(object), from_netlink(rtnl_addr_get_local(object))};
        // The kernel keeps the subnet's length beside the address.
        found.address.length = static_cast<std::uint8_t>(rtnl_addr_get_prefixlen(object));
        addresses.push_back(found);
    }
    return addresses;
}

Result<std::vector<Prefix>> list_routed_subnets(RouteSocket& socket) {
    std::vector<Prefix> subnets;
    for (const LinkAddress& found : TRY(list_addresses(socket)))
        subnets.push_back(found.address.network());
    nl_cache* filled = nullptr;
    if (const int error = rtnl_route_alloc_cache(socket.raw(), AF_UNSPEC, 0, &filled); error < 0)
        return fail(Code::internal, "list routes: ", nl_geterror(error));
    const Cache cache(filled);
    for (nl_object* at = nl_cache_get_first(filled); at != nullptr; at = nl_cache_get_next(at)) {
        auto* route = reinterpret_cast<rtnl_route*>(at);
        if (rtnl_route_get_table(route) != RT_TABLE_MAIN) continue;
        const Prefix destination = from_netlink(rtnl_route_get_dst(route));
        if (destination.family != 0 && destination.length != 0)
            subnets.push_back(destination.network());
    }
    return subnets;
}

}  // namespace davit::sdk
