// SPDX-License-Identifier: Apache-2.0
// The part of HTTP/1.1 (RFC 9112) that a client of the Engine API speaks: request text, response
// heads, chunked bodies. Pure functions and one small state machine over bytes; no I/O. Used by
// connection.cpp. Not thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::sdk {

struct Header {
    std::string name;
    std::string value;
};

struct HttpRequest {
    std::string method;  // "GET"
    std::string target;  // path and query, already encoded
    std::vector<Header> headers;
    std::string body;           // sent with Content-Length; empty on POST: Content-Length 0
    bool streams_body = false;  // it follows in chunks instead
};

struct HttpHead {
    int status = 0;
    int minor = 1;  // HTTP/1.<minor>
    std::string reason;
    std::vector<Header> headers;

    // The first header of that name in any case, or empty.
    std::string_view header(std::string_view name) const;
};

// The bytes of the request, ready to send.
std::string encode(const HttpRequest& request);

// Reads a response head from the front of `bytes`. Nothing when it is not complete yet. Sets `used`
// to the length of the head with its empty line. Errors: corrupt (not HTTP).
Result<std::optional<HttpHead>> parse_head(std::string_view bytes, std::size_t& used);

// "a b" → "a%20b". In a path '/' stays as it is, in a query value it does not.
std::string encode_path(std::string_view text);
std::string encode_query(std::string_view text);

// Builds "?a=1&b=2" in the order given.
class Query {
public:
    Query& add(std::string_view name, std::string_view value);
    Query& flag(std::string_view name, bool set);  // name=1 when set, nothing otherwise
    Query& text(std::string_view name, std::string_view value);  // nothing when the value is empty
    const std::string& str() const { return text_; }

private:
    std::string text_;
};

// Takes chunked framing off a stream that arrives in pieces.
class ChunkDecoder {
public:
    // Appends the payload found in `bytes` to `out` and returns how many bytes were taken; all of
    // them unless the body ended before. Errors: corrupt.
    Result<std::size_t> feed(std::string_view bytes, std::string& out);
    bool done() const { return state_ == State::done; }

private:
    enum class State { size, payload, payload_end, trailer, done };
    Result<void> take_line();
    State state_ = State::size;
    std::uint64_t left_ = 0;
    std::string line_;
};

}  // namespace davit::sdk
