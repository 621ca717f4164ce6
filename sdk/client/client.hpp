// SPDX-License-Identifier: Apache-2.0
// A client of the Engine API at one address: calls, streamed answers and hijacked streams, with
// the API version settled on the way. The typed calls are in containers.hpp, images.hpp, exec.hpp
// and system.hpp. One thread at a time.
#pragma once

#include "sdk/client/connection.hpp"

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::sdk {

struct ApiVersion {
    int major = 1;
    int minor = 0;
    auto operator<=>(const ApiVersion&) const = default;
};

constexpr ApiVersion kNewestApi{1, 51};  // what bodies and answers of this client are written for
constexpr ApiVersion kOldestApi{1, 41};  // Debian 12's dockerd

// Errors: invalid ("parse API version x: …").
Result<ApiVersion> parse_api_version(std::string_view text);
std::string to_string(ApiVersion version);

struct Call {
    std::string_view method = "GET";
    std::string path;  // "/containers/json": encoded, without version
    Query query = {};
    std::string body = {};  // JSON when not empty
    std::vector<Header> headers = {};
    bool versioned = true;  // false for /davit/v1/… and /_ping
};

struct Reply {
    int status = 0;  // 2xx or 304; all others are errors
    std::string body;
};

// An answer that is still coming. Read to its end, it gives its connection back to the client by
// itself.
class Stream {
public:
    // The next bytes, valid until the next call; empty at the end. Waits.
    Result<std::string_view> read() { return connection_.read_body(); }
    // Everything that is left.
    Result<std::string> read_all();
    int fd() const { return connection_.fd(); }
    bool has_buffered() const { return connection_.has_buffered(); }
    const HttpHead& head() const { return head_; }

private:
    friend class Client;
    Stream(Connection connection, HttpHead head)
        : connection_(std::move(connection)), head_(std::move(head)) {}
    Connection connection_;
    HttpHead head_;
};

class Client {
public:
    // Nothing is opened yet: the first call connects.
    explicit Client(Address address) : address_(std::move(address)) {}
    // Connects now, to find out whether somebody listens. Errors: those of Connection::open.
    Result<void> connect();

    // Answers of status 2xx and 304. Errors: the daemon's message, with the class that its status
    // stands for.
    Result<Reply> call(const Call& call);
    Result<boost::json::value> call_json(const Call& call);
    // The answer's head has come and is 2xx; the body is read from the stream.
    Result<Stream> stream(const Call& call);
    // The same with a body that is read from `source` to its end.
    Result<Stream> upload(const Call& call, int source);
    // The connection after the daemon has switched it to raw bytes.
    Result<RawStream> hijack(const Call& call);
    // Sends a call on a connection of its own without waiting for its answer; finish it with
    // stream() or hijack(). For calls that must be under way together. The API version must be
    // settled (any earlier call does it).
    Result<Connection> begin(const Call& call, bool upgrade);
    Result<Stream> finish_stream(Connection connection, const Call& call);
    Result<RawStream> finish_hijack(Connection connection, const Call& call);

    // Fixes the version instead of starting at kNewestApi and stepping down to what the daemon has.
    void use_version(ApiVersion version) { version_ = version; }
    ApiVersion version() const { return version_; }
    const Address& address() const { return address_; }

private:
    struct Exchange {
        Connection connection;
        HttpHead head;
    };
    HttpRequest request_of(const Call& call, bool upgrade) const;
    Result<Exchange> exchange(const Call& call, bool upgrade);
    Result<Exchange> exchange_once(const Call& call, bool upgrade);
    Result<void> check(Exchange& exchange);
    static RawStream raw_stream(Exchange done);
    bool step_down(const HttpHead& head);

    Address address_;
    ApiVersion version_ = kNewestApi;
    bool settled_ = false;
    std::optional<Connection> idle_;
};

// The failure class of an HTTP status: 404 not_found, 409 conflict, 501 unsupported, …
Code code_of_status(int status);

}  // namespace davit::sdk
