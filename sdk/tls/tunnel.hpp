// SPDX-License-Identifier: Apache-2.0
// One TLS connection, turned into a plain one: what arrives encrypted on one descriptor leaves in
// clear on the other. Everything behind it needs to know nothing of TLS: half-closed streams,
// poll() and hanging up mean the same on both sides. One thread at a time.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/tls/context.hpp"

#include <chrono>
#include <memory>
#include <string>

struct ssl_st;

namespace davit::tls {

class Tunnel {
public:
    // `secret`: a connected stream socket. It is set non-blocking.
    static Result<Tunnel> server(const Context& context, Fd secret);
    // `host`: whom the certificate must name, where the context verifies.
    static Result<Tunnel> client(const Context& context, Fd secret, const std::string& host);

    // Agrees on keys. `stop_fd` (-1: none) ends every wait once it is readable. Errors: DENIED
    // (a certificate that does not do), UNAVAILABLE, DEADLINE, CANCELLED.
    Result<void> shake_hands(std::chrono::milliseconds patience, int stop_fd);
    // Carries bytes between `plain`, a stream socket, and the other side until both directions have
    // ended, or one side is gone. SIGPIPE must be blocked or ignored. Errors: DENIED, when the
    // other side ends the connection with a complaint before it has said anything else: with
    // TLS 1.3 it looks at our certificate only after we may send.
    Result<void> run(Fd plain, int stop_fd);

private:
    using Ssl = std::unique_ptr<ssl_st, void (*)(ssl_st*)>;
    Tunnel(Ssl ssl, Fd secret) : ssl_(std::move(ssl)), secret_(std::move(secret)) {}
    static Result<Tunnel> make(const Context& context, Fd secret);

    enum class Flow { moved, waits, ended, broken };
    Flow receive();  // secret → to_plain_
    Flow deliver();  // to_plain_ → plain
    Flow collect();  // plain → to_secret_
    Flow send();     // to_secret_ → secret
    Flow outcome(int result);
    Flow move_in();
    Flow move_out();
    bool step();
    bool wait(int stop_fd);

    Ssl ssl_;
    Fd secret_, plain_;
    std::string to_plain_, to_secret_;
    bool secret_sends_ = true, plain_sends_ = true;
    bool said_goodbye_ = false;
    bool heard_ = false;
    short secret_events_ = 0;  // what OpenSSL waits for
};

}  // namespace davit::tls
