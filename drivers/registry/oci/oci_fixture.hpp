// SPDX-License-Identifier: Apache-2.0
// The driver as the engine calls it, with configuration, credentials and peers of a test's choice.
#pragma once

#include "sdk/contract/expectation.hpp"
#include "sdk/contract/registry_bench.hpp"
#include "tests/support/registry.hpp"
#include "tests/support/scripted_server.hpp"

#include <memory>
#include <string>
#include <vector>

namespace davit::oci {

using sdk::contract::fails_as;
using sdk::contract::Fetched;
using sdk::contract::RegistryBench;
using sdk::contract::succeeds;
using tests::Registry;
using tests::ScriptedServer;
using tests::TemporaryDirectory;

// An instance of the driver that talks to `registry`. `repository` is "test/repository".
std::unique_ptr<RegistryBench> driver_for(const std::string& registry,
                                          const std::string& config = "{}",
                                          const davit_host* host = nullptr);

// Credentials as a client sends them.
std::string login_of(const std::string& user, const std::string& password);

// An engine that keeps one user's credentials under one name, and remembers what was asked for.
class KeepingHost {
public:
    KeepingHost(std::string name, std::string user, std::string password);
    KeepingHost(const KeepingHost&) = delete;
    KeepingHost& operator=(const KeepingHost&) = delete;
    const davit_host* raw() const { return &host_; }
    const std::vector<std::string>& asked() const { return asked_; }

private:
    static const void* get(const davit_host* host, davit_str id);
    static davit_status find(const davit_host* host, const davit_call* call,
                             const davit_secret_request* req);

    std::string name_, user_, password_;
    std::vector<std::string> asked_;
    davit_host host_{};
    davit_host_secrets secrets_{};
};

// A private authority and a certificate of it for localhost and 127.0.0.1, made by openssl(1).
struct Certificates {
    std::string authority, certificate, key;  // files
};
Certificates make_certificates(const std::string& directory);

// A docker-registry whose token server is tests/support/token_server.py.
class TokenRegistry {
public:
    TokenRegistry();
    ~TokenRegistry();
    TokenRegistry(const TokenRegistry&) = delete;
    TokenRegistry& operator=(const TokenRegistry&) = delete;
    std::string address() const { return registry_ ? registry_->address() : "localhost:1"; }
    std::vector<std::string> granted()
        const;  // one line for each token: "GET alice repository:a:pull"

private:
    TemporaryDirectory directory_;
    pid_t server_ = -1;
    std::unique_ptr<Registry> registry_;
};

}  // namespace davit::oci
