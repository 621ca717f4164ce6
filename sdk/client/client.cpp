// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/client.hpp"

#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <cerrno>
#include <charconv>

namespace davit::sdk {
namespace {

constexpr json::Limits kAnswer{.bytes = 256u << 20,
                               .depth = 128};  // `ps -a` of 100 000 containers has 100 MB

bool good(int status) { return (status >= 200 && status < 300) || status == 304 || status == 101; }

Result<std::string> rest_of(Connection& connection) {
    std::string body;
    for (;;) {
        const auto piece = TRY(connection.read_body());
        if (piece.empty()) return body;
        body.append(piece);
    }
}

// {"message": "…"}, or what came instead.
std::string message_of(const std::string& body, const HttpHead& head) {
    if (auto object = json::parse_object(body, "error answer"))
        if (auto text = json::get_string(*object, "message"); text && *text) return **text;
    if (!body.empty() && body.size() < 4096) return body;
    return "the daemon answered " + std::to_string(head.status) + " " + head.reason;
}

}  // namespace

Code code_of_status(int status) {
    switch (status) {
        case 400:
        case 405:
        case 406:
        case 411:
        case 413:
        case 416: return Code::invalid;
        case 401:
        case 403: return Code::denied;
        case 404: return Code::not_found;
        case 409: return Code::conflict;
        case 501: return Code::unsupported;
        case 502:
        case 503: return Code::unavailable;
        case 504: return Code::deadline;
        case 507: return Code::no_space;
        default: return Code::internal;
    }
}

Result<ApiVersion> parse_api_version(std::string_view text) {
    ApiVersion version;
    const auto* end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version.major);
    if (major.ec == std::errc() && major.ptr != end && *major.ptr == '.') {
        const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
        if (minor.ec == std::errc() && minor.ptr == end) return version;
    }
    return fail(Code::invalid, "parse API version ", text, ": expected a form like 1.51");
}

std::string to_string(ApiVersion version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor);
}

Result<std::string> Stream::read_all() { return rest_of(connection_); }

Result<void> Client::connect() {
    if (!idle_) idle_ = TRY(Connection::open(address_));
    return {};
}

HttpRequest Client::request_of(const Call& call, bool upgrade) const {
    HttpRequest request{std::string(call.method), {}, call.headers, call.body};
    if (call.versioned) request.target = "/v" + to_string(version_);
    request.target += call.path + call.query.str();
    request.headers.push_back({"User-Agent", "davit-client"});
    if (!call.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    if (upgrade) {
        request.headers.push_back({"Connection", "Upgrade"});
        request.headers.push_back({"Upgrade", "tcp"});
    }
    return request;
}

Result<Client::Exchange> Client::exchange_once(const Call& call, bool upgrade) {
    const auto request = request_of(call, upgrade);
    if (idle_) {
        // The daemon may have closed a connection that lay idle. The request is sent again only if
        // it was not taken at all, or if doing it twice changes nothing.
        Connection connection = std::move(*idle_);
        idle_.reset();
        if (connection.send(request)) {
            auto head = connection.read_head(call.method);
            if (head) return Exchange{std::move(connection), std::move(*head)};
            if (connection.answered() || call.method != "GET") return std::move(head).error();
        }
    }
    auto connection = TRY(Connection::open(address_));
    TRY(connection.send(request));
    auto head = TRY(connection.read_head(call.method));
    return Exchange{std::move(connection), std::move(head)};
}

// An older daemon refuses our version with 400 and names its own in every answer.
bool Client::step_down(const HttpHead& head) {
    if (settled_ || head.status != 400) return false;
    const auto theirs = parse_api_version(head.header("Api-Version"));
    if (!theirs || *theirs >= version_ || *theirs < kOldestApi) return false;
    version_ = *theirs;
    return true;
}

Result<Client::Exchange> Client::exchange(const Call& call, bool upgrade) {
    auto done = TRY(exchange_once(call, upgrade));
    if (call.versioned && step_down(done.head)) {
        TRY(rest_of(done.connection));
        if (done.connection.reusable()) idle_ = std::move(done.connection);
        settled_ = true;
        done = TRY(exchange_once(call, upgrade));
    }
    settled_ |= call.versioned;
    TRY(check(done));
    return done;
}

Result<void> Client::check(Exchange& exchange) {
    if (good(exchange.head.status)) return {};
    const auto body = TRY(rest_of(exchange.connection));
    auto error = fail(code_of_status(exchange.head.status), message_of(body, exchange.head));
    if (exchange.connection.reusable()) idle_ = std::move(exchange.connection);
    while (!error.what.empty() && error.what.back() == '\n') error.what.pop_back();
    return error;
}

Result<Reply> Client::call(const Call& call) {
    auto done = TRY(exchange(call, false));
    Reply reply{done.head.status, TRY(rest_of(done.connection))};
    if (done.connection.reusable()) idle_ = std::move(done.connection);
    return reply;
}

Result<boost::json::value> Client::call_json(const Call& call) {
    const auto reply = TRY(this->call(call));
    return json::parse(reply.body, "the daemon's answer", kAnswer);
}

Result<Stream> Client::stream(const Call& call) {
    auto done = TRY(exchange(call, false));
    return Stream(std::move(done.connection), std::move(done.head));
}

Result<RawStream> Client::hijack(const Call& call) {
    auto done = TRY(exchange(call, true));
    return raw_stream(std::move(done));
}

Result<Connection> Client::begin(const Call& call, bool upgrade) {
    auto connection = TRY(Connection::open(address_));
    TRY(connection.send(request_of(call, upgrade)));
    return connection;
}

Result<Stream> Client::finish_stream(Connection connection, const Call& call) {
    Exchange done{std::move(connection), {}};
    done.head = TRY(done.connection.read_head(call.method));
    TRY(check(done));
    return Stream(std::move(done.connection), std::move(done.head));
}

Result<RawStream> Client::finish_hijack(Connection connection, const Call& call) {
    auto stream = TRY(finish_stream(std::move(connection), call));
    return raw_stream({std::move(stream.connection_), std::move(stream.head_)});
}

RawStream Client::raw_stream(Exchange done) {
    auto raw = std::move(done.connection).hijack();
    raw.multiplexed =
        done.head.header("Content-Type") == "application/vnd.docker.multiplexed-stream";
    return raw;
}

}  // namespace davit::sdk
