// SPDX-License-Identifier: Apache-2.0
#include "core/network/port_map.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace davit::network {
namespace {

// How often the kernel is asked for a port that is free for IPv4 before one turns out to be free
// for IPv6 too.
constexpr int kTriesForBoth = 32;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

SocketAddress socket_address(const sdk::Prefix& host, std::uint16_t port) {
    SocketAddress made;
    if (host.family == 4) {
        auto* four = reinterpret_cast<sockaddr_in*>(&made.storage);
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        std::memcpy(&four->sin_addr, host.bytes.data(), 4);
        made.length = sizeof *four;
    } else {
        auto* six = reinterpret_cast<sockaddr_in6*>(&made.storage);
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        std::memcpy(&six->sin6_addr, host.bytes.data(), 16);
        made.length = sizeof *six;
    }
    return made;
}

int socket_type(std::uint8_t protocol) {
    return protocol == IPPROTO_TCP   ? SOCK_STREAM
           : protocol == IPPROTO_UDP ? SOCK_DGRAM
                                     : SOCK_SEQPACKET;
}

std::string place_text(const sdk::Prefix& host, std::uint16_t port, std::uint8_t protocol) {
    const std::string address = sdk::address_text(host);
    const std::string name = protocol == IPPROTO_TCP   ? "tcp"
                             : protocol == IPPROTO_UDP ? "udp"
                                                       : "sctp";
    const std::string number = std::to_string(port) + "/" + name;
    if (host.family == 0) return number;
    return (host.family == 6 ? "[" + address + "]" : address) + ":" + number;
}

// Without SO_REUSEADDR: with it another socket that also has it could bind beside this one as long
// as none listens.
Result<Fd> bind_one(const sdk::Prefix& host, std::uint16_t port, std::uint8_t protocol) {
    Fd socket(::socket(host.family == 4 ? AF_INET : AF_INET6, socket_type(protocol) | SOCK_CLOEXEC,
                       protocol));
    const std::string doing = "publish " + place_text(host, port, protocol);
    if (!socket) return os_error(doing);
    const int on = 1;
    if (host.family == 6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    const SocketAddress at = socket_address(host, port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at.storage), at.length) == 0)
        return socket;
    if (errno == EADDRINUSE) return fail(Code::exists, doing, ": port is already allocated");
    if (errno == EADDRNOTAVAIL) return fail(Code::invalid, doing, ": the host has no such address");
    return os_error(doing);
}

std::uint16_t port_of(const Fd& socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    return ntohs(storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(storage).sin_port
                                              : reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
}

sdk::Prefix every_address(std::uint8_t family) {
    sdk::Prefix any;
    any.family = family;
    any.length = static_cast<std::uint8_t>(any.width() * 8);
    return any;
}

// A host without IPv6 has nothing there to be held.
bool lacks_family(const Error& error) {
    return error.os_errno == EAFNOSUPPORT || error.code == Code::invalid;
}

HeldPort held(const PortWish& wish, std::uint16_t number, std::vector<Fd> sockets) {
    HeldPort held;
    std::copy(wish.host.bytes.begin(), wish.host.bytes.end(), held.port.host.bytes);
    held.port.host.family = wish.host.family;
    held.port.host.prefix = static_cast<std::uint8_t>(wish.host.width() * 8);
    held.port.host_port = number;
    held.port.container_port = wish.container_port;
    held.port.protocol = wish.protocol;
    held.sockets = std::move(sockets);
    return held;
}

// This number, or with 0 one that the kernel picks.
Result<HeldPort> hold_number(const PortWish& wish, std::uint16_t number) {
    std::vector<Fd> sockets;
    const bool both = wish.host.family == 0;
    sockets.push_back(TRY(bind_one(both ? every_address(4) : wish.host, number, wish.protocol)));
    const std::uint16_t chosen = number != 0 ? number : port_of(sockets.front());
    if (both && wish.ipv6) {
        auto six = bind_one(every_address(6), chosen, wish.protocol);
        if (six)
            sockets.push_back(std::move(*six));
        else if (!lacks_family(six.error()))
            return std::move(six).error();
    }
    return held(wish, chosen, std::move(sockets));
}

}  // namespace

Result<HeldPort> hold_port(const PortWish& wish) {
    if (wish.first > wish.last)
        return fail(Code::invalid, "publish ports ", std::to_string(wish.first), "-",
                    std::to_string(wish.last), ": the range runs backwards");
    Result<HeldPort> done = fail(Code::exists, "publish a port: none is free");
    if (wish.first == 0) {
        for (int tries = 0; tries < kTriesForBoth; ++tries) {
            done = hold_number(wish, 0);
            if (done || done.error().code != Code::exists) return done;
        }
        return done;
    }
    for (unsigned number = wish.first; number <= wish.last; ++number) {
        done = hold_number(wish, static_cast<std::uint16_t>(number));
        if (done || done.error().code != Code::exists) return done;
    }
    if (wish.first == wish.last) return done;
    return fail(Code::exists, "publish one of ", std::to_string(wish.first), "-",
                place_text({}, wish.last, wish.protocol), ": all ports are allocated");
}

Result<std::vector<HeldPort>> hold_ports(const std::vector<PortWish>& wishes) {
    std::vector<HeldPort> all;
    for (const PortWish& wish : wishes) all.push_back(TRY(hold_port(wish)));
    return all;
}

std::string port_text(const davit_port& port) {
    sdk::Prefix host;
    host.family = port.host.family;
    std::copy(std::begin(port.host.bytes), std::end(port.host.bytes), host.bytes.begin());
    return place_text(host, port.host_port, port.protocol);
}

}  // namespace davit::network
