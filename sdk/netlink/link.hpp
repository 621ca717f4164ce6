// SPDX-License-Identifier: Apache-2.0
// Links of a network namespace: reading them, and requests that make, change and remove them
// (queued on a RouteSocket, carried out by its commit). Used by network drivers and by core. No
// state of its own.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/netlink/route_socket.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::sdk {

using Mac = std::array<std::uint8_t, 6>;

struct LinkCounters {
    std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
    std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};

struct Link {
    int index = 0;
    std::string name;
    std::string kind;   // "veth", "bridge", …; empty for hardware
    std::string alias;  // ip-link(8) alias: what Davit writes there is how it knows its own again
    int master = 0;     // index of the bridge that it is a port of; 0: none
    int parent = 0;     // index of what it lies on (macvlan) or of its other end (veth), maybe in
                        // another namespace
    bool up = false;
    bool running = false;  // up, with a carrier, and whoever stands above it has been told
    unsigned mtu = 0;
    Mac mac{};
    LinkCounters counters;
};

// Errors: not_found.
Result<Link> find_link(RouteSocket& socket, const std::string& name);
Result<std::vector<Link>> list_links(RouteSocket& socket);
// Those whose alias begins so: what a driver marked as its own.
Result<std::vector<Link>> list_links(RouteSocket& socket, const std::string& alias_beginning);
// Of another namespace, by the number that namespace_id.hpp knows it by. Errors: not_found when
// that namespace is gone.
Result<std::vector<Link>> list_links(RouteSocket& socket, int namespace_id);

struct BridgeSpec {
    std::string name;
    Mac mac{};         // fixed, so that the bridge does not change it with its ports
    unsigned mtu = 0;  // 0: the kernel's
};
// It stays down, so that its settings can be in place before it speaks.
void queue_bridge(RouteSocket& socket, const BridgeSpec& spec);

struct VethSpec {
    std::string name;
    std::string
        peer_name;  // "eth%d": the kernel takes the first free number in the peer's namespace
    Mac peer_mac{};
    int peer_netns = -1;  // descriptor of the namespace that the peer is made in; -1: this one
    int master = 0;       // index of the bridge that the near end becomes a port of; 0: none
    unsigned mtu = 0;     // of both ends
};
// The near end comes up; the peer stays down, since a peer that is up at once has no other end yet
// (ENOTCONN).
void queue_veth(RouteSocket& socket, const VethSpec& spec);

enum class MacvlanMode { bridge, vepa, private_, passthru };
struct MacvlanSpec {
    std::string name;  // may hold %d
    int parent = 0;    // index of the link below
    MacvlanMode mode = MacvlanMode::bridge;
    Mac mac{};       // all zero: the kernel's choice
    int netns = -1;  // descriptor of the namespace that it is made in
    unsigned mtu = 0;
};
void queue_macvlan(RouteSocket& socket, const MacvlanSpec& spec);

struct VlanSpec {
    std::string name;
    int parent = 0;  // index of the link below
    std::uint16_t id = 0;
};
// It comes up with its parent.
void queue_vlan(RouteSocket& socket, const VlanSpec& spec);

// A link of a kind that needs nothing but a name, such as "dummy" or "ifb". It comes up.
void queue_simple_link(RouteSocket& socket, const std::string& kind, const std::string& name,
                       unsigned mtu = 0);

// How a bridge treats one of its ports.
struct PortSpec {
    std::string name;
    std::string alias;      // set with the same request
    bool hairpin = false;   // a frame may leave by the port that it came in by
    bool isolated = false;  // frames of other isolated ports are not let out by it
};
void queue_port(RouteSocket& socket, const PortSpec& spec);

void queue_link_up(RouteSocket& socket, int index);
void queue_link_alias(RouteSocket& socket, const std::string& name, const std::string& alias);
void queue_link_mac(RouteSocket& socket, int index, const Mac& mac);
void queue_link_removal(RouteSocket& socket, int index);
// Removes them at once and waits for the kernel; an empty list is OK.
Result<void> remove_links(RouteSocket& socket, const std::vector<Link>& links);
// Of a link in another namespace, by the number that namespace_id.hpp knows it by.
void queue_link_removal(RouteSocket& socket, int index, int namespace_id);

}  // namespace davit::sdk
