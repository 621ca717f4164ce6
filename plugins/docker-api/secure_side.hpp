// SPDX-License-Identifier: Apache-2.0
// The encrypted half of a connection: a thread that carries bytes between a TLS client and a socket
// pair, whose other end is served like any other connection. Used by the connection that owns it.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/tls/tunnel.hpp"

#include <pthread.h>
#include <memory>
#include <optional>

namespace davit::docker_api {

class SecureSide {
public:
    // Shakes hands, then starts the thread. `stop_fd` becomes readable when the service stops;
    // borrowed. Errors: those of Tunnel::shake_hands.
    static Result<std::unique_ptr<SecureSide>> start(const tls::Context& context, Fd client,
                                                     int stop_fd);
    // Waits until the client has what was written to `plain`, which must be closed by now, or has
    // left.
    ~SecureSide();
    SecureSide(const SecureSide&) = delete;
    SecureSide& operator=(const SecureSide&) = delete;

    // What the client sends and is sent, in clear. Once.
    Fd take_plain() { return std::move(plain_); }

private:
    SecureSide(tls::Tunnel tunnel, int stop_fd) : tunnel_(std::move(tunnel)), stop_fd_(stop_fd) {}

    tls::Tunnel tunnel_;
    int stop_fd_;
    Fd plain_, far_end_;
    std::optional<pthread_t> thread_;
};

}  // namespace davit::docker_api
