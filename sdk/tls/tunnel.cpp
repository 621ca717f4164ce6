// SPDX-License-Identifier: Apache-2.0
#include "sdk/tls/tunnel.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>

namespace davit::tls {
namespace {

constexpr std::size_t kBlock = 16 * 1024;  // the largest TLS record

Result<void> set_non_blocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return os_error("set up TLS");
    return {};
}

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes;
    return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

// Closing a socket with unread bytes resets it, and the other side would lose the alert that tells
// why: it may have sent its first request already.
void let_it_read(int fd) {
    constexpr int kMilliseconds = 1000;
    ::shutdown(fd, SHUT_WR);
    std::array<char, kBlock> waste;
    for (pollfd wait{fd, POLLIN, 0}; ::poll(&wait, 1, kMilliseconds) > 0;)
        if (::recv(fd, waste.data(), waste.size(), 0) <= 0) return;
}

}  // namespace

Result<Tunnel> Tunnel::make(const Context& context, Fd secret) {
    TRY(set_non_blocking(secret.get()));
    Ssl ssl(SSL_new(context.get()), &SSL_free);
    if (!ssl || SSL_set_fd(ssl.get(), secret.get()) != 1)
        return fail(Code::internal, "set up TLS: ", last_reason());
    return Tunnel(std::move(ssl), std::move(secret));
}

Result<Tunnel> Tunnel::server(const Context& context, Fd secret) {
    auto tunnel = TRY(make(context, std::move(secret)));
    SSL_set_accept_state(tunnel.ssl_.get());
    return tunnel;
}

Result<Tunnel> Tunnel::client(const Context& context, Fd secret, const std::string& host) {
    auto tunnel = TRY(make(context, std::move(secret)));
    SSL* const ssl = tunnel.ssl_.get();
    SSL_set_connect_state(ssl);
    const bool address = is_address(host);
    if (!address) SSL_set_tlsext_host_name(ssl, host.c_str());
    const int named = address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str())
                              : SSL_set1_host(ssl, host.c_str());
    if (context.verifies() && named != 1)
        return fail(Code::invalid, "set up TLS: ", host, " is no host's name");
    return tunnel;
}

Result<void> Tunnel::shake_hands(std::chrono::milliseconds patience, int stop_fd) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_.get());
        if (result == 1) return {};
        switch (outcome(result)) {
            case Flow::waits: break;
            case Flow::ended: return fail(Code::unavailable, "agree on TLS: the other side left");
            default: {
                let_it_read(secret_.get());
                const long verdict = SSL_get_verify_result(ssl_.get());
                if (verdict != X509_V_OK)
                    return fail(Code::denied,
                                "agree on TLS: ", X509_verify_cert_error_string(verdict));
                return fail(Code::denied, "agree on TLS: ", last_reason());
            }
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        std::array<pollfd, 2> set{{{secret_.get(), secret_events_, 0}, {stop_fd, POLLIN, 0}}};
        const int ready =
            left.count() <= 0 ? 0 : ::poll(set.data(), set.size(), static_cast<int>(left.count()));
        if (ready == 0) return fail(Code::deadline, "agree on TLS: it took too long");
        if (set[1].revents != 0) return fail(Code::cancelled, "agree on TLS: told to stop");
    }
}

// What a call of OpenSSL that did not succeed asks for; adds to secret_events_.
Tunnel::Flow Tunnel::outcome(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ: secret_events_ = POLLIN; return Flow::waits;
        case SSL_ERROR_WANT_WRITE: secret_events_ = POLLOUT; return Flow::waits;
        case SSL_ERROR_ZERO_RETURN: return Flow::ended;
        case SSL_ERROR_SYSCALL: return errno == 0 ? Flow::ended : Flow::broken;
        default: return Flow::broken;
    }
}

Tunnel::Flow Tunnel::receive() {
    to_plain_.resize(kBlock);
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), to_plain_.data(), static_cast<int>(kBlock));
    to_plain_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    heard_ |= count > 0;
    return count > 0 ? Flow::moved : outcome(count);
}

Tunnel::Flow Tunnel::deliver() {
    const ssize_t count = ::write(plain_.get(), to_plain_.data(), to_plain_.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR ? Flow::waits : Flow::broken;
    to_plain_.erase(0, static_cast<std::size_t>(count));
    return Flow::moved;
}

Tunnel::Flow Tunnel::collect() {
    to_secret_.resize(kBlock);
    const ssize_t count = ::read(plain_.get(), to_secret_.data(), kBlock);
    to_secret_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR ? Flow::waits : Flow::broken;
    return count == 0 ? Flow::ended : Flow::moved;
}

Tunnel::Flow Tunnel::send() {
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), to_secret_.data(), static_cast<int>(to_secret_.size()));
    if (count <= 0) return outcome(count);
    to_secret_.erase(0, static_cast<std::size_t>(count));
    return Flow::moved;
}

Tunnel::Flow Tunnel::move_in() {
    if (secret_sends_ && to_plain_.empty()) {
        const Flow flow = receive();
        if (flow != Flow::ended) return to_plain_.empty() ? flow : deliver();
        secret_sends_ = false;
        ::shutdown(plain_.get(), SHUT_WR);
    }
    return to_plain_.empty() ? Flow::waits : deliver();
}

Tunnel::Flow Tunnel::move_out() {
    if (plain_sends_ && to_secret_.empty()) {
        const Flow flow = collect();
        if (flow == Flow::broken) return flow;
        plain_sends_ = flow != Flow::ended;
    }
    if (!to_secret_.empty()) {
        const Flow flow = send();
        return flow == Flow::ended ? Flow::broken : flow;
    }
    // The other side is told, and may still send.
    if (!plain_sends_ && !std::exchange(said_goodbye_, true)) SSL_shutdown(ssl_.get());
    return Flow::waits;
}

// Moves what can be moved at once. False: it is over.
bool Tunnel::step() {
    for (bool moved = true; moved;) {
        secret_events_ = 0;
        const Flow in = move_in();
        if (in == Flow::broken) return false;
        const short wanted = secret_events_;
        const Flow out = move_out();
        if (out == Flow::broken) return false;
        secret_events_ = static_cast<short>(secret_events_ | wanted);
        moved = in == Flow::moved || out == Flow::moved;
    }
    return secret_sends_ || plain_sends_ || !to_plain_.empty() || !to_secret_.empty();
}

bool Tunnel::wait(int stop_fd) {
    const bool collects = plain_sends_ && to_secret_.empty();
    std::array<pollfd, 3> set{{
        {secret_.get(), secret_events_, 0},
        {plain_.get(),
         static_cast<short>((collects ? POLLIN : 0) | (to_plain_.empty() ? 0 : POLLOUT)), 0},
        {stop_fd, POLLIN, 0},
    }};
    while (::poll(set.data(), set.size(), -1) < 0)
        if (errno != EINTR) return false;
    // Hung up and nothing left to collect: nobody reads what comes in.
    const bool gone = (set[1].revents & (POLLHUP | POLLERR)) != 0 && !plain_sends_;
    return set[2].revents == 0 && !gone;
}

Result<void> Tunnel::run(Fd plain, int stop_fd) {
    plain_ = std::move(plain);
    TRY(set_non_blocking(plain_.get()));
    while (step())
        if (!wait(stop_fd)) break;
    if (!heard_ && ERR_peek_error() != 0)
        return fail(Code::denied, "agree on TLS: ", last_reason());
    if (!said_goodbye_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    return {};
}

}  // namespace davit::tls
