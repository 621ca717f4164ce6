// SPDX-License-Identifier: Apache-2.0
// The reading side of HTTP/1.1 on one connection: request heads and bodies, with every limit of
// limits.hpp. Used by the thread that owns the connection; an upload lends it to a second thread
// meanwhile. Boost.Beast parses, in http_server.cpp only. What is not plainly one request with one
// body is refused.
#pragma once

#include "plugins/docker-api/socket.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace davit::docker_api {

enum class Method { get, head, post, put, del, options, other };
std::string_view method_name(Method method);

// What the other files need of a request's head.
struct RequestHead {
    Method method = Method::other;
    std::string target;  // as sent: "/v1.41/containers/json?all=1"
    bool http11 = true;  // false: no chunks, one request per connection
    bool keep_alive = true;
    bool upgrade = false;  // asks to take over the connection after the answer
    bool has_body = false;
    std::string content_type;
    std::string registry_auth;  // X-Registry-Auth as sent; never logged
};

// Why a request is not served; the connection ends after the answer.
struct Refusal {
    unsigned status = 400;
    std::string message;
};

enum class Arrival { request, refused, gone };

class HttpReader {
public:
    explicit HttpReader(Socket& socket);
    ~HttpReader();
    HttpReader(const HttpReader&) = delete;
    HttpReader& operator=(const HttpReader&) = delete;

    // Waits for the next request: head() or refusal() hold it. `gone`: the client left, was idle
    // too long, or the service stops. The body of the request before must have been read to its
    // end.
    Arrival next();
    const RequestHead& head() const { return head_; }
    const Refusal& refusal() const { return refusal_; }

    // Tells a client that waits for it ("Expect: 100-continue") to send the body. Idempotent.
    Result<void> invite_body();
    // Decoded bytes of the body into `into`; 0 at its end. Invites it first. Errors: invalid
    // (framing), unavailable (the client left in the middle), deadline, cancelled.
    Result<std::size_t> read_body(char* into, std::size_t size, Socket::Deadline deadline = {});
    bool body_done() const;
    // Throws away what is left of the body if it is little. Whether the connection can serve
    // another request.
    bool drain();
    // What came after the request, for a connection that leaves HTTP.
    std::string take_rest();

private:
    struct Parser;
    enum class Fill { more, end, refused };
    enum class Parse { more, done, refused };

    Arrival refuse(unsigned status, std::string message);
    bool wait_first_byte();
    Fill fill(Socket::Deadline deadline);
    Arrival read_head();
    bool first_line_too_long() const;
    Parse parse_head();
    Arrival accept_head();

    Socket& socket_;
    std::unique_ptr<Parser> parser_;
    std::string buffer_;  // received, not yet parsed: [begin_, size)
    std::size_t begin_ = 0;
    bool first_line_read_ = false;
    bool continue_wanted_ = false;
    RequestHead head_;
    Refusal refusal_;
};

}  // namespace davit::docker_api
