// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/secure_side.hpp"

#include "plugins/docker-api/limits.hpp"
#include "plugins/docker-api/thread.hpp"

#include <sys/socket.h>

namespace davit::docker_api {

Result<std::unique_ptr<SecureSide>> SecureSide::start(const tls::Context& context, Fd client,
                                                      int stop_fd) {
    auto tunnel = TRY(tls::Tunnel::server(context, std::move(client)));
    TRY(tunnel.shake_hands(kHandshakeDeadline, stop_fd));
    std::unique_ptr<SecureSide> side(new SecureSide(std::move(tunnel), stop_fd));
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return os_error("serve TLS: make socket pair");
    side->plain_.reset(ends[0]);
    side->far_end_.reset(ends[1]);
    side->thread_ = TRY(start_thread(
        [](void* raw) -> void* {
            ::pthread_setname_np(::pthread_self(), "api-tls");
            auto* const self = static_cast<SecureSide*>(raw);
            (void)self->tunnel_.run(std::move(self->far_end_), self->stop_fd_);
            return nullptr;
        },
        side.get()));
    return side;
}

SecureSide::~SecureSide() {
    plain_.reset();
    if (thread_) ::pthread_join(*thread_, nullptr);
}

}  // namespace davit::docker_api
