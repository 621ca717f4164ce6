// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/session.hpp"

#include "sdk/base/json.hpp"

#include <poll.h>
#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <charconv>

namespace davit::oci {
namespace {

constexpr int kMostRedirects = 5;
constexpr int kMostPauses = 3;
constexpr int kFirstPauseMs = 300;      // doubled each time, where the registry names none
constexpr int kLongestPauseMs = 20000;  // a registry that wants more is away for us

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}
bool is_busy(int status) {
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}
bool can_be_sent_again(const Request& request) { return request.source_fd < 0; }
bool only_reads(const Request& request) {
    return request.method == "GET" || request.method == "HEAD";
}

struct Complaint {
    std::string code;  // "MANIFEST_UNKNOWN"
    std::string text;  // "manifest unknown"
};

std::string in_words(std::string_view code) {
    std::string words(code);
    for (char& c : words)
        c = c == '_' ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return words;
}

// {"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown",…}]}; empty for other bodies.
Complaint complaint_of(const Response& response) {
    const auto object = json::parse_object(response.body, "error");
    if (!object) return {};
    const auto errors = json::get_array(*object, "errors");
    if (!errors || *errors == nullptr || (*errors)->empty() || !(**errors)[0].is_object())
        return {};
    const auto& first = (**errors)[0].get_object();
    Complaint complaint;
    complaint.code = json::get_string(first, "code", "").value_or("");
    complaint.text = json::get_string(first, "message", "").value_or("");
    if (complaint.text.empty()) complaint.text = in_words(complaint.code);
    return complaint;
}

}  // namespace

std::string Session::address(const std::string& repository, const std::string& rest) const {
    return peer_.base + "/v2/" + repository + "/" + rest;
}

Result<std::string> Session::resolve_location(const std::string& location) const {
    std::string url = location;
    if (location.starts_with('/'))
        url = peer_.base.substr(0, peer_.base.find("://") + 3) + peer_.authority + location;
    TRY(network_.hosts.require_allowed(url));
    if (peer_.base.starts_with("https://") && !url.starts_with("https://"))
        return fail(Code::denied, "follow ", url, ": the registry leaves TLS");
    return url;
}

Result<Response> Session::send(const Request& request) {
    TRY(authorize_ahead());
    bool challenged = false;
    for (int pauses = 0;;) {
        Response response = TRY(send_and_follow(request));
        if (response.status == 401 && !challenged && can_be_sent_again(request)) {
            challenged = true;
            if (TRY(answer_challenge(response))) continue;
        }
        if (!is_busy(response.status) || pauses == kMostPauses || !can_be_sent_again(request))
            return response;
        Result<void> waited = pause(response, pauses++);
        if (!waited && waited.error().code == Code::unavailable) return response;
        TRY(std::move(waited));
    }
}

Result<Response> Session::send_and_follow(const Request& request) {
    Request next = request;
    next.trust = peer_.trust;
    if (authority_of_url(next.url) != peer_.authority)
        next.trust = network_.hosts.trust_of(authority_of_url(next.url));
    else if (!authorization_.empty())
        next.headers.push_back({"Authorization", authorization_});
    for (int hops = 0;; ++hops) {
        HttpProblem problem;
        Result<Response> response = network_.http.send(call_, next, &problem);
        if (!response && (problem.no_tls || problem.no_connection))
            network_.hosts.forget(peer_.authority);
        if (!response || !is_redirect(response->status) || !only_reads(request)) return response;
        if (hops == kMostRedirects)
            return fail(Code::unavailable, "ask ", peer_.authority, ": too many redirects");
        const std::string& target = response->redirect;
        TRY(network_.hosts.require_allowed(target).context("follow redirect"));
        if (next.url.starts_with("https://") && !target.starts_with("https://"))
            return fail(Code::denied, "follow redirect to ", authority_of_url(target),
                        ": it leaves TLS");
        // Once away from the machine that the credentials belong to, they stay behind.
        if (authority_of_url(target) != authority_of_url(next.url)) next.headers = request.headers;
        next.url = target;
        next.trust = network_.hosts.trust_of(authority_of_url(target));
    }
}

// Saves the round trip of being refused first, where this machine has asked before.
Result<void> Session::authorize_ahead() {
    if (!authorization_.empty()) return {};
    const std::optional<Challenge> known = network_.tokens.challenge_of(peer_.authority);
    if (!known || (!known->is_bearer && purpose_.credentials.username.empty())) return {};
    Challenge challenge = *known;
    challenge.scope.clear();  // it belonged to another request
    if (challenge.is_bearer && purpose_.scopes.empty()) return {};
    authorization_ = TRY(authorization_for(challenge, false));
    return {};
}

// False: there is nothing that we could say (any more).
Result<bool> Session::answer_challenge(const Response& response) {
    const std::vector<Challenge> challenges = parse_challenges(response);
    if (challenges.empty()) return false;
    const Challenge& challenge = challenges.front();
    network_.tokens.remember(peer_.authority, challenge);
    const bool refused_before = !authorization_.empty();
    if (!challenge.is_bearer && (refused_before || purpose_.credentials.username.empty()))
        return false;
    authorization_ = TRY(authorization_for(challenge, refused_before));
    return true;
}

Result<std::string> Session::authorization_for(const Challenge& challenge, bool fresh) {
    const Credentials& who = purpose_.credentials;
    if (!challenge.is_bearer) return "Basic " + base64(who.username + ":" + who.password);
    return "Bearer " + TRY(network_.tokens.token(call_, {challenge, who, purpose_.scopes, fresh}));
}

// Errors: cancelled; unavailable when the registry asks for more patience than we have.
Result<void> Session::pause(const Response& response, int attempt) const {
    int milliseconds = kFirstPauseMs << attempt;
    if (const std::string* asked = response.find("retry-after")) {
        int seconds = 0;  // the form with a date is not worth a parser: the default pause follows
                          // it well enough
        const auto parsed = std::from_chars(asked->data(), asked->data() + asked->size(), seconds);
        if (parsed.ec == std::errc() && seconds > kLongestPauseMs / 1000)
            return fail(Code::unavailable, "wait: too long");
        if (parsed.ec == std::errc()) milliseconds = std::max(0, seconds) * 1000;
    }
    pollfd cancel{call_.cancel_fd(), POLLIN, 0};
    ::poll(&cancel, cancel.fd >= 0 ? 1 : 0, milliseconds);
    return call_.check("wait for registry");
}

Error refusal(const Response& response, const std::string& what) {
    const Complaint complaint = complaint_of(response);
    const std::string words = complaint.text.empty()
                                  ? "the registry answered " + std::to_string(response.status)
                                  : complaint.text;
    if (complaint.code == "DIGEST_INVALID" || complaint.code == "SIZE_INVALID")
        return fail(Code::corrupt, what, ": ", words);
    switch (response.status) {
        case 401:
        case 403: return fail(Code::denied, what, ": ", words);
        case 404:
            return fail(Code::not_found, what, ": ", complaint.text.empty() ? "not found" : words);
        case 405: return fail(Code::unsupported, what, ": the registry does not allow it");
        case 413:
        case 507: return fail(Code::no_space, what, ": ", words);
        default: break;
    }
    const bool later = response.status == 408 || response.status == 429 || response.status >= 500;
    return fail(later ? Code::unavailable : Code::invalid, what, ": ", words);
}

}  // namespace davit::oci
