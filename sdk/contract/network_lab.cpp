// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/network_lab.hpp"

#include "sdk/netlink/link.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <array>
#include <cerrno>
#include <cstring>

namespace davit::sdk {
namespace {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<SocketAddress> socket_address(const std::string& address, std::uint16_t port) {
    const Prefix parsed = TRY(parse_prefix(address));
    SocketAddress made;
    if (parsed.family == 4) {
        auto* four = reinterpret_cast<sockaddr_in*>(&made.storage);
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        std::memcpy(&four->sin_addr, parsed.bytes.data(), 4);
        made.length = sizeof *four;
    } else {
        auto* six = reinterpret_cast<sockaddr_in6*>(&made.storage);
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        std::memcpy(&six->sin6_addr, parsed.bytes.data(), 16);
        made.length = sizeof *six;
    }
    return made;
}

std::string text_of(const SocketAddress& address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address.storage.ss_family == AF_INET)
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr, text,
                    sizeof text);
    else
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr,
                    text, sizeof text);
    return text;
}

// A socket belongs to the namespace that it was made in, whoever uses it.
Result<Fd> socket_in(int netns, int family, Transport transport) {
    Fd made;
    const auto work = [&]() -> Result<void> {
        const int type = transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
        made = Fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!made) return os_error("open socket");
        return {};
    };
    TRY(run_in_netns(netns, work));
    return made;
}

Result<void> await(int fd, short events, std::chrono::milliseconds patience,
                   const std::string& what) {
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(patience.count()));
    if (ready < 0) return os_error(what);
    if (ready == 0) return fail(Code::deadline, what, ": no answer");
    return {};
}

// Until the kernel has put a link into service, its queue swallows every packet.
Result<void> await_service(RouteSocket& socket, const std::string& name) {
    for (int tries = 0; tries < 2000; ++tries) {
        if (TRY(find_link(socket, name)).running) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return fail(Code::deadline, "await link ", name, ": it does not come into service");
}

}  // namespace

Result<PrivateHost> PrivateHost::enter() {
    NetNs before = TRY(NetNs::of_thread());
    NetNs inside = TRY(NetNs::create());
    if (::setns(inside.fd(), CLONE_NEWNET) != 0) return os_error("enter network namespace");
    return PrivateHost(std::move(before), std::move(inside));
}

PrivateHost::~PrivateHost() {
    if (before_.fd() >= 0) ::setns(before_.fd(), CLONE_NEWNET);
}

Result<LanPeer> LanPeer::create(const std::string& link, const std::string& host_address,
                                const std::string& peer_address) {
    NetNs netns = TRY(NetNs::create());
    const Prefix near = TRY(parse_prefix(host_address)), far = TRY(parse_prefix(peer_address));
    RouteSocket host = TRY(RouteSocket::open());
    queue_veth(host, {.name = link, .peer_name = "lan0", .peer_netns = netns.fd()});
    TRY(host.commit());
    const Link made = TRY(find_link(host, link));
    queue_address(host, made.index, near, link);
    TRY(host.commit());
    const auto work = [&]() -> Result<void> {
        RouteSocket inside = TRY(RouteSocket::open());
        const Link peer = TRY(find_link(inside, "lan0"));
        queue_address(inside, peer.index, far, "lan0");
        queue_link_up(inside, peer.index);
        TRY(inside.commit());
        return await_service(inside, "lan0");
    };
    TRY(netns.run(work));
    TRY(await_service(host, link));
    return LanPeer{std::move(netns)};
}

Result<std::unique_ptr<EchoServer>> EchoServer::start(int netns, Transport transport,
                                                      const std::string& address,
                                                      std::uint16_t port) {
    SocketAddress at = TRY(socket_address(address, port));
    Fd socket = TRY(socket_in(netns, at.storage.ss_family, transport));
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(socket.get(), at.raw(), at.length) != 0) return os_error("bind " + address);
    if (transport == Transport::tcp && ::listen(socket.get(), SOMAXCONN) != 0)
        return os_error("listen at " + address);
    Fd stop(::eventfd(0, EFD_CLOEXEC));
    if (!stop) return os_error("make eventfd");
    return std::unique_ptr<EchoServer>(
        new EchoServer(std::move(socket), std::move(stop), transport));
}

EchoServer::EchoServer(Fd socket, Fd stop, Transport transport)
    : socket_(std::move(socket)),
      stop_(std::move(stop)),
      transport_(transport),
      thread_([this] { serve(); }) {}

EchoServer::~EchoServer() {
    const std::uint64_t one = 1;
    if (::write(stop_.get(), &one, sizeof one) == sizeof one) thread_.join();
}

void EchoServer::serve() {
    for (;;) {
        std::array<pollfd, 2> entries{{{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
        if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return;
        if ((entries[1].revents & POLLIN) != 0) return;
        if ((entries[0].revents & POLLIN) != 0) answer();
    }
}

void EchoServer::answer() {
    SocketAddress from;
    from.length = sizeof from.storage;
    if (transport_ == Transport::tcp) {
        const Fd client(::accept4(socket_.get(), from.raw(), &from.length, SOCK_CLOEXEC));
        if (!client) return;
        const std::string text = text_of(from);
        (void)!::write(client.get(), text.data(), text.size());
        return;
    }
    std::array<char, 64> question;
    if (::recvfrom(socket_.get(), question.data(), question.size(), 0, from.raw(), &from.length) <
        0)
        return;
    const std::string text = text_of(from);
    ::sendto(socket_.get(), text.data(), text.size(), 0, from.raw(), from.length);
}

Result<std::string> ask_server(int netns, Transport transport, const std::string& address,
                               std::uint16_t port, std::chrono::milliseconds patience) {
    const std::string what = "connect to " + address + " port " + std::to_string(port);
    SocketAddress to = TRY(socket_address(address, port));
    const Fd socket = TRY(socket_in(netns, to.storage.ss_family, transport));
    if (::connect(socket.get(), to.raw(), to.length) != 0 && errno != EINPROGRESS)
        return os_error(what);
    if (transport == Transport::tcp) {
        TRY(await(socket.get(), POLLOUT, patience, what));
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return os_error(error, what);
    } else if (::send(socket.get(), "?", 1, 0) != 1) {
        return os_error(what);
    }
    TRY(await(socket.get(), POLLIN, patience, what));
    std::array<char, 128> answer;
    const auto length = ::recv(socket.get(), answer.data(), answer.size(), 0);
    if (length < 0) return os_error(what);
    return std::string(answer.data(), static_cast<std::size_t>(length));
}

}  // namespace davit::sdk
