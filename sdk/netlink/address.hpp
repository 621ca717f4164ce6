// SPDX-License-Identifier: Apache-2.0
// Addresses and routes of a network namespace, as requests queued on a RouteSocket, and what the
// host routes already. Used by network drivers and by core. No state of its own.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/netlink/route_socket.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::sdk {

// An IPv4 or IPv6 address, or the prefix of a subnet. Bytes in network order, IPv4 in the first
// four.
struct Prefix {
    std::array<std::uint8_t, 16> bytes{};
    std::uint8_t family = 0;  // 4 or 6; 0: none
    std::uint8_t length = 0;  // bits

    std::size_t width() const { return family == 4 ? 4 : family == 6 ? 16 : 0; }
    // The same with every bit after the prefix cleared.
    Prefix network() const;
    bool contains(const Prefix& other) const;
    bool overlaps(const Prefix& other) const { return contains(other) || other.contains(*this); }
    bool operator==(const Prefix&) const = default;
};

// "172.17.0.1/16", "fd00::1/64"; a plain address has the full length. Errors: invalid.
Result<Prefix> parse_prefix(std::string_view text);
std::string address_text(const Prefix& prefix);  // "172.17.0.1"
std::string prefix_text(const Prefix& prefix);   // "172.17.0.1/16"

// `where` is the link's name, for errors. IPv6 addresses are usable at once (no duplicate address
// detection).
void queue_address(RouteSocket& socket, int link, const Prefix& address, const std::string& where);
void queue_default_route(RouteSocket& socket, int link, const Prefix& gateway,
                         const std::string& where);
// Errors (at commit): not_found when there is no such route.
void queue_default_route_removal(RouteSocket& socket, int link, const Prefix& gateway,
                                 const std::string& where);
// A route to `destination` that needs no gateway, by the link itself.
void queue_link_route(RouteSocket& socket, int link, const Prefix& destination,
                      const std::string& where);

// A route of IPv4 or IPv6.
struct Route {
    Prefix destination;
    int link = 0;             // index; 0: no link, packets are answered "unreachable"
    Prefix gateway = {};      // family 0: straight onto the link
    std::uint32_t table = 0;  // of policy routing (rule.hpp); 0: main
};
void queue_route(RouteSocket& socket, const Route& route, const std::string& where);
void queue_route_removal(RouteSocket& socket, const Route& route, const std::string& where);

struct LinkAddress {
    int link = 0;
    Prefix address;
};
Result<std::vector<LinkAddress>> list_addresses(RouteSocket& socket);
// Every destination of the main table but the default routes, and the subnet of every address.
Result<std::vector<Prefix>> list_routed_subnets(RouteSocket& socket);

}  // namespace davit::sdk
