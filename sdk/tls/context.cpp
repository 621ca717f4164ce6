// SPDX-License-Identifier: Apache-2.0
#include "sdk/tls/context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace davit::tls {
namespace {

Error unusable(const std::string& file) {
    return fail(Code::invalid, "use ", file, ": ", last_reason());
}

Result<std::shared_ptr<SSL_CTX>> make(const SSL_METHOD* method) {
    ERR_clear_error();
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), &SSL_CTX_free);
    if (!context) return fail(Code::internal, "set up TLS: ", last_reason());
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    // A write that could not be finished is repeated from a buffer that may have moved.
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    // Nobody resumes sessions here, and a client that leaves at once must not break a write of
    // them.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 0);
    return context;
}

Result<void> use_own(SSL_CTX* context, const Files& files) {
    if (files.certificate.empty() && files.key.empty()) return {};
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
        return unusable(files.certificate);
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
        return unusable(files.key);
    if (SSL_CTX_check_private_key(context) != 1) return unusable(files.key);
    return {};
}

Result<void> trust(SSL_CTX* context, const std::string& authorities) {
    const int loaded = authorities.empty()
                           ? SSL_CTX_set_default_verify_paths(context)
                           : SSL_CTX_load_verify_locations(context, authorities.c_str(), nullptr);
    if (loaded != 1)
        return unusable(authorities.empty() ? "the system's authorities" : authorities);
    return {};
}

}  // namespace

std::string last_reason() {
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    if (error == 0) return "no such file, or not readable";
    const char* const reason = ERR_SYSTEM_ERROR(error) ? nullptr : ERR_reason_error_string(error);
    return reason != nullptr ? reason : os_error(ERR_GET_REASON(error), "open").what;
}

Result<Context> Context::server(const Files& files, bool verify_clients) {
    auto context = TRY(make(TLS_server_method()));
    if (files.certificate.empty() || files.key.empty())
        return fail(Code::invalid, "set up TLS: a server needs a certificate and a key");
    TRY(use_own(context.get(), files));
    if (verify_clients) {
        if (files.authorities.empty())
            return fail(Code::invalid, "set up TLS: who signs clients' certificates is not said");
        TRY(trust(context.get(), files.authorities));
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
    }
    return Context(std::move(context), verify_clients);
}

Result<Context> Context::client(const Files& files, bool verify) {
    auto context = TRY(make(TLS_client_method()));
    TRY(use_own(context.get(), files));
    if (verify) TRY(trust(context.get(), files.authorities));
    SSL_CTX_set_verify(context.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    return Context(std::move(context), verify);
}

}  // namespace davit::tls
