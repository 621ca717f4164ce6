// SPDX-License-Identifier: Apache-2.0
// Keys and certificates of TLS connections, by OpenSSL: here and in tunnel.cpp only. Immutable once
// made; thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace davit::tls {

// PEM files; the certificate's may hold its chain. Empty: not used.
struct Files {
    std::string certificate, key;
    std::string authorities;  // who may have signed the other side's certificate
};

class Context {
public:
    // TLS 1.2 at the least. `verify_clients`: only those whose certificate `authorities` signed are
    // served. Errors: INVALID, naming the file.
    static Result<Context> server(const Files& files, bool verify_clients);
    // `verify`: the server must show a certificate that `authorities` (empty: the system's) signed
    // for the name that is asked for. A certificate of our own is shown where one is given.
    static Result<Context> client(const Files& files, bool verify);

    ssl_ctx_st* get() const { return context_.get(); }
    bool verifies() const { return verifies_; }

private:
    Context(std::shared_ptr<ssl_ctx_st> context, bool verifies)
        : context_(std::move(context)), verifies_(verifies) {}

    std::shared_ptr<ssl_ctx_st> context_;
    bool verifies_;
};

// What OpenSSL has queued on this thread: "certificate verify failed". Empties the queue.
std::string last_reason();

}  // namespace davit::tls
