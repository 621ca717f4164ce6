// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/auth.hpp"

#include "sdk/base/digest.hpp"
#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace davit::oci {
namespace {

constexpr std::size_t kMostKept = 256;  // tokens and challenges: a few for each repository in use
constexpr std::chrono::seconds kDefaultLife{
    60};                                     // of a token that says nothing (token specification)
constexpr std::chrono::seconds kSafety{10};  // a request may be under way that long
constexpr char kClient[] = "davit";

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// RFC 3986: what needs no quoting in a query.
std::string quoted(std::string_view text) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
        const auto byte = static_cast<unsigned char>(c);
        if (plain)
            result += c;
        else
            result.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
    return result;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    const auto fold = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return fold(x) == fold(y); });
}

// Reads `scheme name="value", name=value, scheme …` one word at a time.
class ChallengeReader {
public:
    explicit ChallengeReader(std::string_view text) : rest_(text) {}

    std::vector<Challenge> read() {
        std::vector<Challenge> found;
        bool known = false;
        for (skip(); !rest_.empty(); skip()) {
            const std::string_view word = take_word();
            if (word.empty()) break;
            if (!rest_.starts_with('=')) {  // a scheme
                known = equals_ignoring_case(word, "bearer") || equals_ignoring_case(word, "basic");
                if (known) found.push_back({equals_ignoring_case(word, "bearer"), {}, {}, {}});
                continue;
            }
            rest_.remove_prefix(1);
            const std::string value = take_value();
            if (known) assign(found.back(), word, value);
        }
        return found;
    }

private:
    void skip() {
        const std::size_t next = rest_.find_first_not_of(" \t,");
        rest_.remove_prefix(std::min(next, rest_.size()));
    }
    std::string_view take_word() {
        const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t,=\""));
        rest_.remove_prefix(word.size());
        return word;
    }
    std::string take_value() {
        if (!rest_.starts_with('"')) return std::string(take_word());
        std::string value;
        for (rest_.remove_prefix(1); !rest_.empty() && rest_.front() != '"';
             rest_.remove_prefix(1)) {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            value += rest_.front();
        }
        if (!rest_.empty()) rest_.remove_prefix(1);
        return value;
    }
    static void assign(Challenge& challenge, std::string_view name, const std::string& value) {
        if (equals_ignoring_case(name, "realm")) challenge.realm = value;
        if (equals_ignoring_case(name, "service")) challenge.service = value;
        if (equals_ignoring_case(name, "scope")) challenge.scope = value;
    }

    std::string_view rest_;
};

// The scopes that are wanted, and the one of the challenge if it is another.
std::vector<std::string> scopes_of(const Tokens::Wanted& wanted) {
    std::vector<std::string> scopes = wanted.scopes;
    const std::string& asked = wanted.challenge.scope;
    if (scopes.empty() && !asked.empty()) scopes.push_back(asked);
    return scopes;
}

// A token is bound to where it came from, what it is for and whose it is.
std::string key_of(const Tokens::Wanted& wanted) {
    const Credentials& who = wanted.credentials;
    std::string key =
        wanted.challenge.realm + "\n" + wanted.challenge.service + "\n" +
        Digest::of(who.username + "\n" + who.password + "\n" + who.identity_token).hex();
    for (const std::string& scope : scopes_of(wanted)) key += "\n" + scope;
    return key;
}

Request token_request(const Tokens::Wanted& wanted, bool offline) {
    const Challenge& challenge = wanted.challenge;
    const Credentials& who = wanted.credentials;
    Request request;
    std::string query = "service=" + quoted(challenge.service);
    if (!who.identity_token.empty()) {  // OAuth2: POST with the refresh token
        std::string scopes;
        for (const std::string& scope : scopes_of(wanted))
            scopes += (scopes.empty() ? "" : " ") + scope;
        request.method = "POST";
        request.url = challenge.realm;
        request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
        request.body = "grant_type=refresh_token&client_id=" + std::string(kClient) + "&" + query +
                       "&scope=" + quoted(scopes) + "&refresh_token=" + quoted(who.identity_token);
        return request;
    }
    for (const std::string& scope : scopes_of(wanted)) query += "&scope=" + quoted(scope);
    if (!who.username.empty()) {
        query += "&account=" + quoted(who.username);
        request.headers = {{"Authorization", "Basic " + base64(who.username + ":" + who.password)}};
    }
    if (offline) query += "&offline_token=true&client_id=" + std::string(kClient);
    request.url =
        challenge.realm + (challenge.realm.find('?') == std::string::npos ? "?" : "&") + query;
    return request;
}

}  // namespace

std::string base64(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j)
            text += j <= count ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string bytes;
    std::uint32_t group = 0;
    unsigned bits = 0;
    for (const char c : text) {
        if (c == '=') break;
        const char* digit = std::char_traits<char>::find(kAlphabet, 64,
                                                         c == '-'   ? '+'
                                                         : c == '_' ? '/'
                                                                    : c);
        if (digit == nullptr) return std::nullopt;
        group = group << 6 | static_cast<std::uint32_t>(digit - kAlphabet);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes += static_cast<char>(group >> bits & 0xffu);
    }
    return bytes;
}

Result<Credentials> parse_credentials(std::string_view text) {
    Credentials credentials;
    if (text.empty()) return credentials;
    const auto object = TRY(json::parse_object(text, "credentials"));
    credentials.username = TRY(json::get_string(object, "username", ""));
    credentials.password = TRY(json::get_string(object, "password", ""));
    credentials.identity_token = TRY(json::get_string(object, "identitytoken", ""));
    credentials.registry_token = TRY(json::get_string(object, "registrytoken", ""));
    const std::string both = TRY(json::get_string(object, "auth", ""));
    if (both.empty() || !credentials.username.empty()) return credentials;
    const std::optional<std::string> pair = from_base64(both);
    const std::size_t colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos)
        return fail(Code::invalid, "read credentials: auth is not user:password in base64");
    credentials.username = pair->substr(0, colon);
    credentials.password = pair->substr(colon + 1);
    return credentials;
}

std::vector<Challenge> parse_challenges(const Response& response) {
    std::vector<Challenge> challenges;
    for (const Header& header : response.headers) {
        if (header.name != "www-authenticate") continue;
        for (Challenge& challenge : ChallengeReader(header.value).read())
            challenges.push_back(std::move(challenge));
    }
    std::stable_sort(
        challenges.begin(), challenges.end(),
        [](const Challenge& a, const Challenge& b) { return a.is_bearer && !b.is_bearer; });
    return challenges;
}

Result<std::string> Tokens::token(const sdk::Call& call, const Wanted& wanted) {
    if (!wanted.credentials.registry_token.empty()) return wanted.credentials.registry_token;
    const std::string key = key_of(wanted);
    if (!wanted.fresh) {
        const std::lock_guard lock(mutex_);
        const auto kept = tokens_.find(key);
        if (kept != tokens_.end() && Clock::now() < kept->second.until) return kept->second.token;
    }
    Answer answer = TRY(ask(call, wanted, false));
    const std::lock_guard lock(mutex_);
    std::erase_if(tokens_, [](const auto& entry) { return Clock::now() >= entry.second.until; });
    if (tokens_.size() >= kMostKept) tokens_.erase(tokens_.begin());
    tokens_[key] = {answer.grant.token,
                    Clock::now() + answer.life - std::min(kSafety, answer.life / 2)};
    return answer.grant.token;
}

Result<Tokens::Grant> Tokens::log_in(const sdk::Call& call, const Challenge& challenge,
                                     const Credentials& credentials) {
    const std::vector<std::string> none;
    return TRY(ask(call, {challenge, credentials, none, true}, true)).grant;
}

Result<Tokens::Answer> Tokens::ask(const sdk::Call& call, const Wanted& wanted, bool offline) {
    const std::string& realm = wanted.challenge.realm;
    TRY(hosts_.require_allowed(realm).context("get token"));
    Request request = token_request(wanted, offline);
    request.trust = hosts_.trust_of(authority_of_url(realm));
    const Response response = TRY(http_.send(call, request).context("get token"));
    if (response.status == 401 || response.status == 403 || response.status == 400)
        return fail(Code::denied, "get token: ", authority_of_url(realm),
                    " refused the credentials");
    if (response.status != 200)
        return fail(Code::unavailable, "get token: ", authority_of_url(realm), " answered ",
                    std::to_string(response.status));
    const auto object = TRY(json::parse_object(response.body, "token"));
    Answer answer;
    answer.grant.token = TRY(json::get_string(object, "token", ""));
    if (answer.grant.token.empty())
        answer.grant.token = TRY(json::get_string(object, "access_token", ""));
    if (answer.grant.token.empty())
        return fail(Code::unavailable, "get token: the answer holds none");
    answer.grant.identity_token = TRY(json::get_string(object, "refresh_token", ""));
    answer.life = std::chrono::seconds(
        std::clamp<std::int64_t>(TRY(json::get_int(object, "expires_in", 0)), 0, 86400));
    if (answer.life.count() == 0) answer.life = kDefaultLife;
    return answer;
}

std::optional<Challenge> Tokens::challenge_of(const std::string& authority) const {
    const std::lock_guard lock(mutex_);
    const auto found = challenges_.find(authority);
    if (found == challenges_.end()) return std::nullopt;
    return found->second;
}

void Tokens::remember(const std::string& authority, const Challenge& challenge) {
    const std::lock_guard lock(mutex_);
    if (challenges_.size() >= kMostKept) challenges_.clear();
    challenges_[authority] = challenge;
}

}  // namespace davit::oci
