// SPDX-License-Identifier: Apache-2.0
// Host ports of published container ports: chosen and held by sockets that are bound and never
// listen, one for each family, so that a port that somebody else uses is an error at start and
// nobody else gets it later. Packets never reach these sockets: packet rules take them to the
// container first. Used by endpoints. Thread-safe: no state.
#pragma once

#include "davit/network.h"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace davit::network {

struct PortWish {
    sdk::Prefix host;         // family 0: every address of both families
    std::uint16_t first = 0;  // the first free port from here on …
    std::uint16_t last = 0;   // … up to here; both 0: any that the kernel has free
    std::uint16_t container_port = 0;
    std::uint8_t protocol = 6;  // IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP
    bool ipv6 = true;           // with host.family 0: hold the port for IPv6 too
};

// A published port and what holds it; letting go of it frees the port.
struct HeldPort {
    davit_port port{};
    std::vector<Fd> sockets;
};

// Errors: exists ("port is already allocated") when none of the wished ports is free; invalid for a
// range that runs backwards or an address that is not this host's; denied below
// net.ipv4.ip_unprivileged_port_start without CAP_NET_BIND_SERVICE; unsupported when the kernel
// lacks the protocol.
Result<HeldPort> hold_port(const PortWish& wish);

// All of them or none: "8000-8010" to "80-90" is a wish for each port.
Result<std::vector<HeldPort>> hold_ports(const std::vector<PortWish>& wishes);

// "0.0.0.0:8080/tcp", "[::1]:53/udp", "8080/tcp" for every address.
std::string port_text(const davit_port& port);

}  // namespace davit::network
