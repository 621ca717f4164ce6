// SPDX-License-Identifier: Apache-2.0
// One operation's talk with one machine: answers challenges, follows redirects, waits where it is
// told to come again. Used by OciDriver and Upload. One thread.
#pragma once

#include "drivers/registry/oci/auth.hpp"
#include "drivers/registry/oci/hosts.hpp"
#include "drivers/registry/oci/http.hpp"

#include <string>
#include <vector>

namespace davit::oci {

// What an instance owns and every session uses.
struct Network {
    Http& http;
    Hosts& hosts;
    Tokens& tokens;
};

class Session {
public:
    struct Purpose {
        Credentials credentials;
        std::vector<std::string> scopes;  // "repository:library/nginx:pull"
    };
    Session(Network network, const sdk::Call& call, Peer peer, Purpose purpose)
        : network_(network), call_(call), peer_(std::move(peer)), purpose_(std::move(purpose)) {}

    // The answer, whatever its status, once challenges, redirects (of GET and HEAD) and pauses are
    // over. Errors: those of Http::send; denied when no credentials help or a redirect leaves TLS.
    Result<Response> send(const Request& request);
    // "https://registry/v2/library/nginx/" + rest.
    std::string address(const std::string& repository, const std::string& rest) const;
    // An address of the registry's answer, perhaps relative to the machine. Errors: denied when it
    // leaves TLS.
    Result<std::string> resolve_location(const std::string& location) const;

    const Peer& peer() const { return peer_; }
    const sdk::Call& call() const { return call_; }

private:
    Result<Response> send_and_follow(const Request& request);
    Result<void> authorize_ahead();
    Result<bool> answer_challenge(const Response& response);
    Result<std::string> authorization_for(const Challenge& challenge, bool fresh);
    Result<void> pause(const Response& response, int attempt) const;

    Network network_;
    const sdk::Call& call_;
    Peer peer_;
    Purpose purpose_;
    std::string authorization_;  // header value; empty: none. Goes to peer_.authority only
};

// What a status that is no success means, in the registry's own words. `what`: "resolve
// docker.io/a/b:tag".
Error refusal(const Response& response, const std::string& what);

}  // namespace davit::oci
