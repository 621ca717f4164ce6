// SPDX-License-Identifier: Apache-2.0
// The writing side of HTTP/1.1: one answer to one request. Used by the connection's thread only.
#pragma once

#include "plugins/docker-api/http_server.hpp"
#include "plugins/docker-api/socket.hpp"

#include <string>
#include <string_view>

namespace davit::docker_api {

class Response {
public:
    Response(Socket& socket, const RequestHead& request);

    // A header of the answer; before anything was sent. `value` without line breaks.
    void add_header(std::string_view name, std::string_view value);
    // The whole answer. `type` empty: no body. Errors: the socket's.
    Result<void> send(unsigned status, std::string_view type, std::string_view body);
    // {"message": …}
    Result<void> send_error(unsigned status, std::string_view message);

    // The head of an answer whose body follows piece by piece, sent at once.
    Result<void> begin(unsigned status, std::string_view type);
    // A piece of it, in up to two parts, sent at once.
    Result<void> piece(std::string_view first, std::string_view second = {});
    Result<void> end();

    // The last head of this connection: 101, or 200 for a client that did not ask to upgrade.
    Result<void> take_over(std::string_view type);

    bool started() const { return started_; }
    // Whether another request may follow on this connection.
    bool keeps_connection() const { return keep_alive_; }
    void close_after() { keep_alive_ = false; }

private:
    void start_head(unsigned status);

    Socket& socket_;
    const RequestHead& request_;
    std::string extra_headers_;
    std::string head_;
    bool started_ = false;
    bool keep_alive_;
    bool taken_over_ = false;  // raw bytes follow, without chunks
};

}  // namespace davit::docker_api
