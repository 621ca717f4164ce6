// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/server.hpp"

#include "plugins/docker-api/exchange.hpp"
#include "plugins/docker-api/limits.hpp"
#include "plugins/docker-api/secure_side.hpp"
#include "plugins/docker-api/thread.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <exception>

namespace davit::docker_api {

namespace {

// Non-blocking, since a client may be gone again between poll and accept.
Result<void> prepare_listener(int listener) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
        return os_error("start server: read listener");
    if (listening == 0)
        return fail(Code::invalid, "start server: descriptor ", std::to_string(listener),
                    " does not listen");
    const int flags = ::fcntl(listener, F_GETFL);
    if (flags < 0 || ::fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0)
        return os_error("start server: set up listener");
    return {};
}

}  // namespace

struct Server::Connection {
    Server& server;
    Fd fd;
    bool secure;
};

Server::Server(Engine engine, std::vector<Listener> listeners, std::optional<tls::Context> tls,
               Warn warn, Fd stop)
    : engine_(engine),
      listeners_(std::move(listeners)),
      tls_(std::move(tls)),
      warn_(std::move(warn)),
      stop_(std::move(stop)) {}

Result<std::unique_ptr<Server>> Server::start(Engine engine, std::vector<Listener> listeners,
                                              std::optional<tls::Context> tls, Warn warn) {
    for (const Listener& listener : listeners) {
        TRY(prepare_listener(listener.fd));
        if (listener.secure && !tls)
            return fail(Code::invalid, "start server: a listener wants TLS, and no key is known");
    }
    Fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop) return os_error("start server: create stop event");
    std::unique_ptr<Server> server(
        new Server(engine, std::move(listeners), std::move(tls), std::move(warn), std::move(stop)));
    server->acceptor_ = TRY(start_thread(
        [](void* self) -> void* {
            ::pthread_setname_np(::pthread_self(), "api-accept");
            static_cast<Server*>(self)->accept_until_stopped();
            return nullptr;
        },
        server.get()));
    return server;
}

Server::~Server() {
    ::eventfd_write(stop_.get(), 1);  // cannot fail: the counter holds 0 or 1
    if (acceptor_) ::pthread_join(*acceptor_, nullptr);
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return connections_ == 0; });
    if (last_ended_) ::pthread_join(*last_ended_, nullptr);
}

void Server::accept_until_stopped() {
    std::vector<pollfd> set{{stop_.get(), POLLIN, 0}};
    for (const Listener& listener : listeners_) set.push_back({listener.fd, POLLIN, 0});
    while (set[0].revents == 0) {
        if (::poll(set.data(), set.size(), -1) < 0) continue;  // EINTR
        bool rest = false;
        for (std::size_t at = 1; at < set.size(); ++at)
            if (set[at].revents != 0 && !accept_one(listeners_[at - 1])) rest = true;
        constexpr int kRestMilliseconds = 100;
        if (rest) ::poll(set.data(), 1, kRestMilliseconds);
    }
}

bool Server::accept_one(const Listener& listener) {
    Fd fd(::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
        short_of_something_ = false;
        return start_connection(std::move(fd), listener.secure);
    }
    switch (errno) {
        case EAGAIN:
        case EINTR:
        case ECONNABORTED: return true;
        default:
            if (!std::exchange(short_of_something_, true))
                warn_(os_error("accept connection").what);
            return false;
    }
}

bool Server::start_connection(Fd fd, bool secure) {
    const std::size_t limit =
        kConnections - (Socket::peer_user(fd.get()) == 0 ? 0 : kConnectionsForRoot);
    {
        const std::lock_guard lock(mutex_);
        if (connections_ >= limit) {
            if (secure) return true;  // it would not understand the answer
            // Best effort and without waiting: the acceptor has others to serve.
            static constexpr std::string_view kFull =
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: "
                "application/json\r\nContent-Length: 53\r\n"
                "Connection: close\r\n\r\n{\"message\":\"accept connection: too many "
                "connections\"}\n";
            ::send(fd.get(), kFull.data(), kFull.size(), MSG_NOSIGNAL);
            return true;
        }
        ++connections_;
    }
    auto connection = std::unique_ptr<Connection>(new Connection{*this, std::move(fd), secure});
    const Result<pthread_t> thread = start_thread(
        [](void* raw) -> void* {
            const std::unique_ptr<Connection> own(static_cast<Connection*>(raw));
            ::pthread_setname_np(::pthread_self(), "api-connection");
            Server& server = own->server;
            server.serve(*own);
            own->fd.reset();
            server.finish_thread();
            return nullptr;
        },
        connection.get());
    if (thread) {
        static_cast<void>(connection.release());  // the thread's
        return true;
    }
    warn_(thread.error().what);
    const std::lock_guard lock(mutex_);
    --connections_;
    return false;
}

// The wall where exceptions end (they mean a bug or no memory): the connection is cut, the process
// lives on.
void Server::serve(Connection& connection) {
    try {
        if (connection.secure) return serve_securely(connection);
        const std::uint32_t peer = Socket::peer_user(connection.fd.get());
        serve_requests(std::move(connection.fd), peer);
    } catch (const std::exception& unexpected) {
        warn_(std::string("serve connection: ") + unexpected.what());
    }
}

// Who does not get as far as a request is told by TLS itself, and is no news: a port sees scanners.
void Server::serve_securely(Connection& connection) {
    const auto side = SecureSide::start(*tls_, std::move(connection.fd), stop_.get());
    if (side) serve_requests((*side)->take_plain(), UINT32_MAX);
}

void Server::serve_requests(Fd fd, std::uint32_t peer) {
    Result<Socket> socket = Socket::own(std::move(fd), stop_.get());
    if (!socket) return warn_(socket.error().what);
    HttpReader reader(*socket);
    for (Arrival arrival = reader.next(); arrival != Arrival::gone; arrival = reader.next()) {
        if (arrival == Arrival::refused) {
            const RequestHead unread{.keep_alive = false};
            Response response(*socket, unread);
            if (response.send_error(reader.refusal().status, reader.refusal().message))
                socket->linger();
            return;
        }
        if (!Exchange(engine_, *socket, reader, peer).run()) return socket->linger();
    }
}

void Server::finish_thread() {
    std::optional<pthread_t> before;
    {
        const std::lock_guard lock(mutex_);
        before = std::exchange(last_ended_, ::pthread_self());
        if (--connections_ == 0) ended_.notify_all();
    }
    if (before) ::pthread_join(*before, nullptr);
}

}  // namespace davit::docker_api
