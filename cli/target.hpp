// SPDX-License-Identifier: Apache-2.0
// Which engine davit speaks to, and how it is reached: -H, then DAVIT_HOST, then the context, then
// the default socket. Never DOCKER_HOST, which may name a dockerd. Used by session.cpp.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/client/address.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace davit::cli {

// How a tcp:// host is spoken to. Files: PEM; empty: none.
struct TlsOptions {
    bool tls = false, verify = false;
    std::string authorities, certificate, key;
};

struct Target {
    std::string host;  // "unix:///…", "tcp://host:port", "ssh://user@host:port"; empty: the default
    TlsOptions tls;
};

// "unix:///run/x.sock" or a path; tcp:// through davit-dial beside this program; ssh:// through
// `ssh host davit system dial-stdio`. Errors: invalid for what is neither.
Result<sdk::Address> address_of(const Target& target);

// What DAVIT_TLS_VERIFY, DAVIT_TLS and DAVIT_CERT_PATH add to the flags.
void add_tls_environment(TlsOptions& tls);

}  // namespace davit::cli
