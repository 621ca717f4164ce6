// SPDX-License-Identifier: Apache-2.0
// Which machines stand behind a registry's name, and how far each is trusted (security rules R-21
// and R-69). Used by OciDriver and Session. Thread-safe.
#pragma once

#include "drivers/registry/oci/http.hpp"
#include "sdk/base/result.hpp"
#include "sdk/plugin/entry.hpp"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace davit::oci {

// A machine that answers for a repository.
struct Peer {
    std::string base;  // "https://registry-1.docker.io", without a slash at the end
    std::string
        authority;  // "registry-1.docker.io", "localhost:5000": what credentials are bound to
    std::string credential;  // under which name the host keeps them
    Trust trust;
    bool is_mirror = false;
};

struct Config {
    std::vector<std::string> insecure;                        // "host", "host:port" or "10.0.0.0/8"
    std::map<std::string, std::vector<std::string>> mirrors;  // by registry: addresses, asked first
    // Directories: <host:port>/{*.crt,*.cert,*.key}.
    std::vector<std::string> certificates;
    Proxies proxies;  // where a member is empty: what the environment says

    // Errors: invalid.
    static Result<Config> parse(std::string_view json);
};

// Host names of an address or of a repository: "[::1]:5000" → "::1".
std::string name_of_authority(std::string_view authority);
// "https://a:5000/x" → "a:5000".
std::string authority_of_url(std::string_view url);
bool is_loopback(std::string_view name);

class Hosts {
public:
    Hosts(Config config, Http& http) : config_(std::move(config)), http_(http) {}

    // The registry itself. Asks the machine once, where both http and https are allowed, which it
    // speaks. Errors: invalid name; unavailable.
    Result<Peer> origin(const sdk::Call& call, const std::string& registry);
    // Those to ask first, in their order; addresses that are not allowed are left out.
    std::vector<Peer> mirrors(const std::string& registry) const;
    // Whether a request may go to this address. Errors: denied for http where only https is
    // allowed.
    Result<void> require_allowed(const std::string& url) const;
    Trust trust_of(const std::string& authority) const;
    static void add_certificates(Trust& trust, const std::string& folder);
    // The machine may have changed its mind: asks again next time.
    void forget(const std::string& authority);

private:
    bool is_listed_insecure(const std::string& authority) const;
    bool may_be_plain(const std::string& authority) const;
    Result<std::string> find_scheme(const sdk::Call& call, const std::string& authority);
    Result<bool> speaks(const sdk::Call& call, const std::string& scheme,
                        const std::string& authority, HttpProblem& problem);

    const Config config_;
    Http& http_;
    std::mutex mutex_;
    std::map<std::string, std::string> schemes_;  // by authority; guarded by mutex_
};

}  // namespace davit::oci
