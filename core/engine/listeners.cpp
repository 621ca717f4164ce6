// SPDX-License-Identifier: Apache-2.0
#include "core/engine/listeners.hpp"

#include "core/engine/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace davit::engine {

namespace {

constexpr int kFirstInherited = 3;  // sd_listen_fds(3)
constexpr int kBacklog = 1024;

union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
    sockaddr_storage room;
};

Result<Address> address_of(const Fd& socket) {
    Address address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket.get(), &address.any, &size) < 0)
        return os_error("read address of socket");
    return address;
}

bool is_loopback(const Address& address) {
    if (address.any.sa_family == AF_INET) return (ntohl(address.v4.sin_addr.s_addr) >> 24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

std::string text_of(const Address& address) {
    char text[INET6_ADDRSTRLEN] = "";
    switch (address.any.sa_family) {
        case AF_UNIX: return std::string("unix://") + address.local.sun_path;
        case AF_INET:
            ::inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
            return std::string("tcp://") + text + ":" + std::to_string(ntohs(address.v4.sin_port));
        default:
            ::inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text);
            return std::string("tcp://[") + text +
                   "]:" + std::to_string(ntohs(address.v6.sin6_port));
    }
}

Address parse(const Listen& listen) {
    Address address{};
    if (::inet_pton(AF_INET, listen.path.c_str(), &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(listen.port);
    } else {
        ::inet_pton(AF_INET6, listen.path.c_str(), &address.v6.sin6_addr);
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(listen.port);
    }
    return address;
}

Result<Fd> bind_tcp(const Listen& listen) {
    const Address address = parse(listen);
    const std::string what = "listen on " + text_of(address);
    Fd socket(::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return os_error(what);
    const int on = 1;  // a daemon that is started again finds its port free
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const socklen_t size = address.any.sa_family == AF_INET ? sizeof address.v4 : sizeof address.v6;
    if (::bind(socket.get(), &address.any, size) < 0 || ::listen(socket.get(), kBacklog) < 0)
        return os_error(what);
    return socket;
}

// What systemd's socket unit bound for us; it says so in the environment.
Result<std::vector<Fd>> take_inherited() {
    const char* const pid = ::getenv("LISTEN_PID");
    const char* const count = ::getenv("LISTEN_FDS");
    const int number = count == nullptr ? 0 : std::atoi(count);
    if (pid == nullptr || std::atol(pid) != ::getpid() || number <= 0)
        return fail(Code::not_found, "listen on fd://: systemd handed over no socket");
    std::vector<Fd> all;
    for (int fd = kFirstInherited; fd < kFirstInherited + number; ++fd) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        all.emplace_back(fd);
    }
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    return all;
}

class Opening {
public:
    Opening(const Config& config, const std::function<void(const std::string&)>& warn)
        : config_(config), warn_(warn) {}

    Result<void> open(const Listen& listen) {
        switch (listen.kind) {
            case Listen::Kind::unix_socket:
                return add(TRY(listen_on(listen.path, config_.group)), listen.path);
            case Listen::Kind::tcp: return add(TRY(bind_tcp(listen)), "");
            case Listen::Kind::inherited: break;
        }
        for (Fd& socket : TRY(take_inherited())) TRY(add(std::move(socket), ""));
        return {};
    }
    std::vector<Listener> take() { return std::move(all_); }

private:
    Result<void> add(Fd socket, const std::string& path) {
        const Address address = TRY(address_of(socket));
        std::string text = path.empty() ? text_of(address) : "unix://" + path;
        if (address.any.sa_family != AF_UNIX) TRY(guard(address, text));
        all_.push_back({std::move(socket), std::move(text), path});
        return {};
    }

    // Whoever may ask the engine may become root of this host.
    Result<void> guard(const Address& address, const std::string& text) {
        if (!is_loopback(address) && !config_.tls)
            return fail(Code::denied, "listen on ", text,
                        ": whoever reaches it would be root here: use --tlsverify, or 127.0.0.1");
        if (!config_.tls)
            warn_("listening on " + text +
                  " without TLS: every process of this host may use it as root");
        else if (!config_.tls->verify)
            warn_("listening on " + text + " without --tlsverify: whoever reaches it is root here");
        return {};
    }

    const Config& config_;
    const std::function<void(const std::string&)>& warn_;
    std::vector<Listener> all_;
};

}  // namespace

Result<std::vector<Listener>> open_listeners(const Config& config,
                                             const std::function<void(const std::string&)>& warn) {
    Opening opening(config, warn);
    for (const Listen& listen : config.hosts) TRY(opening.open(listen));
    return opening.take();
}

}  // namespace davit::engine
