// SPDX-License-Identifier: Apache-2.0
// Credentials, challenges (RFC 7235) and bearer tokens (distribution's token authentication). Used
// by Session. Secrets appear in no log and no error. Thread-safe.
#pragma once

#include "drivers/registry/oci/hosts.hpp"
#include "drivers/registry/oci/http.hpp"
#include "sdk/plugin/entry.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::oci {

struct Credentials {
    std::string username, password;
    std::string identity_token;  // OAuth2 refresh token
    std::string registry_token;  // bearer token, sent as it is
    bool empty() const {
        return username.empty() && identity_token.empty() && registry_token.empty();
    }
};

// From the JSON that clients send in X-Registry-Auth, decoded. Errors: invalid.
Result<Credentials> parse_credentials(std::string_view json);
// "user:password" as Basic wants it.
std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

struct Challenge {
    bool is_bearer = false;  // else Basic
    std::string realm, service, scope;
};
// Those that we can meet, of all WWW-Authenticate headers; Bearer first.
std::vector<Challenge> parse_challenges(const Response& response);

// The tokens and challenges that an instance has seen.
class Tokens {
public:
    Tokens(Http& http, const Hosts& hosts) : http_(http), hosts_(hosts) {}

    struct Wanted {
        const Challenge& challenge;
        const Credentials& credentials;
        const std::vector<std::string>& scopes;
        bool fresh = false;  // true: the one that is kept was refused
    };
    struct Grant {
        std::string token;
        std::string identity_token;  // only when asked by `log_in`
    };
    // Errors: denied, unavailable.
    Result<std::string> token(const sdk::Call& call, const Wanted& wanted);
    // Asks for a token without scope, and for an identity token where the server has such.
    Result<Grant> log_in(const sdk::Call& call, const Challenge& challenge,
                         const Credentials& credentials);

    // What a machine asked for the last time, so that a request need not be refused first.
    std::optional<Challenge> challenge_of(const std::string& authority) const;
    void remember(const std::string& authority, const Challenge& challenge);

private:
    using Clock = std::chrono::steady_clock;
    struct Kept {
        std::string token;
        Clock::time_point until;
    };
    struct Answer {
        Grant grant;
        std::chrono::seconds life{0};
    };
    Result<Answer> ask(const sdk::Call& call, const Wanted& wanted, bool offline);

    Http& http_;
    const Hosts& hosts_;
    mutable std::mutex mutex_;
    std::map<std::string, Kept> tokens_;           // guarded by mutex_
    std::map<std::string, Challenge> challenges_;  // by authority; guarded by mutex_
};

}  // namespace davit::oci
