// SPDX-License-Identifier: Apache-2.0
// One HTTP/1.1 connection to a daemon: a request, its response head, its body piece
// by piece; kept alive between exchanges, or given up as a raw two-way stream (hijacking). Used by
// client.cpp. One thread at a time.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/client/address.hpp"
#include "sdk/client/http.hpp"

#include <string>
#include <string_view>

namespace davit::sdk {

// A connection that no longer speaks HTTP: what the container writes can be read from `fd`, stdin
// written to it; closing stdin is shutdown(SHUT_WR). `early` came together with the response head
// and is read first.
struct RawStream {
    Fd fd;
    std::string early;
    bool multiplexed =
        false;  // the daemon said application/vnd.docker.multiplexed-stream (API 1.42 and later)
};

class Connection {
public:
    // Errors: not_found (no socket there, no such program), unavailable (nobody listens), denied;
    // the text names the address. A program that cannot reach the daemon is heard of at the first
    // answer only.
    static Result<Connection> open(const Address& address);

    // Errors: unavailable, with os_errno EPIPE or ECONNRESET when the other side has gone.
    Result<void> send(const HttpRequest& request);
    Result<void> send_bytes(std::string_view bytes);  // of a body; errors as above
    // The next final response head (1xx but 101 are skipped). `method` decides whether a body
    // follows.
    Result<HttpHead> read_head(std::string_view method);
    // The next piece of the body, valid until the next call; empty at its end. Waits for bytes.
    Result<std::string_view> read_body();
    // Whether the body has ended and another request may follow.
    bool reusable() const { return mode_ == Mode::none && keep_alive_; }
    // Whether any byte of a response has come since the last send.
    bool answered() const { return answered_; }
    int fd() const { return socket_.get(); }
    // Whether read_body would find bytes without waiting for the socket.
    bool has_buffered() const { return position_ < buffer_.size(); }

    RawStream hijack() &&;

private:
    enum class Mode { none, length, chunked, until_close };
    explicit Connection(Fd socket) : socket_(std::move(socket)) {}
    Result<std::size_t> fill();  // more bytes into buffer_; 0 at the end of the stream
    void set_mode(const HttpHead& head, std::string_view method);

    Fd socket_;
    std::string buffer_;  // received, from position_ on not consumed
    std::size_t position_ = 0;
    std::string piece_;
    Mode mode_ = Mode::none;
    std::uint64_t left_ = 0;
    ChunkDecoder chunks_;
    bool keep_alive_ = true;
    bool answered_ = false;
};

}  // namespace davit::sdk
