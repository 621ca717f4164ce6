// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/http_server.hpp"

#include "plugins/docker-api/limits.hpp"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace davit::docker_api {

namespace http = boost::beast::http;
using BeastError = boost::beast::error_code;

struct HttpReader::Parser {
    http::request_parser<http::buffer_body> request;

    Parser() {
        request.header_limit(kRequestHead);
        request.body_limit(boost::none);  // counted by whoever reads the body
    }
};

std::string_view method_name(Method method) {
    switch (method) {
        case Method::get: return "GET";
        case Method::head: return "HEAD";
        case Method::post: return "POST";
        case Method::put: return "PUT";
        case Method::del: return "DELETE";
        case Method::options: return "OPTIONS";
        case Method::other: break;
    }
    return "";
}

namespace {

using Fields = http::request_parser<http::buffer_body>::value_type;

Method method_of(http::verb verb) {
    switch (verb) {
        case http::verb::get: return Method::get;
        case http::verb::head: return Method::head;
        case http::verb::post: return Method::post;
        case http::verb::put: return Method::put;
        case http::verb::delete_: return Method::del;
        case http::verb::options: return Method::options;
        default: return Method::other;
    }
}

std::string text(boost::beast::string_view value) {
    return std::string(value.data(), value.size());
}

bool has_token(const Fields& fields, http::field name, const char* token) {
    const auto [first, last] = fields.equal_range(name);
    for (auto field = first; field != last; ++field)
        if (http::token_list(field->value()).exists(token)) return true;
    return false;
}

// whoever reads this request must see one and the same body. Empty: it does.
std::string ambiguity(const Fields& fields) {
    const auto lengths = fields.count(http::field::content_length);
    const auto codings = fields.count(http::field::transfer_encoding);
    if (lengths > 1) return "more than one Content-Length";
    if (lengths > 0 && fields[http::field::content_length].find_first_not_of("0123456789") !=
                           boost::beast::string_view::npos)
        return "a Content-Length that is no number";
    if (lengths > 0 && codings > 0) return "both Content-Length and Transfer-Encoding";
    if (codings > 1) return "more than one Transfer-Encoding";
    if (codings == 1 && fields.version() < 11) return "Transfer-Encoding in HTTP/1.0";
    if (codings == 1 && !boost::beast::iequals(fields[http::field::transfer_encoding], "chunked"))
        return "a Transfer-Encoding other than chunked";
    return {};
}

}  // namespace

HttpReader::HttpReader(Socket& socket) : socket_(socket) {}
HttpReader::~HttpReader() = default;

Arrival HttpReader::refuse(unsigned status, std::string message) {
    refusal_ = {status, std::move(message)};
    return Arrival::refused;
}

// An idle connection holds neither a buffer nor a parser.
bool HttpReader::wait_first_byte() {
    parser_.reset();
    if (begin_ < buffer_.size()) return true;
    buffer_ = {};
    begin_ = 0;
    return static_cast<bool>(
        socket_.wait_readable(std::chrono::steady_clock::now() + kIdleDeadline));
}

HttpReader::Fill HttpReader::fill(Socket::Deadline deadline) {
    if (begin_ == buffer_.size()) {
        buffer_.clear();
        begin_ = 0;
    }
    const std::size_t old_size = buffer_.size();
    buffer_.resize(std::max(old_size + kReadBlock, old_size * 2));
    const Result<std::size_t> count =
        socket_.read(buffer_.data() + old_size, buffer_.size() - old_size, deadline);
    buffer_.resize(old_size + (count ? *count : 0));
    if (count) return *count > 0 ? Fill::more : Fill::end;
    if (count.error().code != Code::deadline) return Fill::end;
    refuse(408, "read request: the header took too long");
    return Fill::refused;
}

Arrival HttpReader::next() {
    if (!wait_first_byte()) return Arrival::gone;
    parser_ = std::make_unique<Parser>();
    head_ = {};
    first_line_read_ = false;
    return read_head();
}

Arrival HttpReader::read_head() {
    const Socket::Deadline deadline = std::chrono::steady_clock::now() + kHeadDeadline;
    for (;;) {
        if (first_line_too_long())
            return refuse(414, "read request: its first line is longer than 64 KiB");
        switch (parse_head()) {
            case Parse::done: return accept_head();
            case Parse::refused: return Arrival::refused;
            case Parse::more: break;
        }
        switch (fill(deadline)) {
            case Fill::more: break;
            case Fill::end: return Arrival::gone;
            case Fill::refused: return Arrival::refused;
        }
    }
}

bool HttpReader::first_line_too_long() const {
    const std::string_view received(buffer_.data() + begin_, buffer_.size() - begin_);
    return !first_line_read_ && received.size() > kRequestLine &&
           received.substr(0, kRequestLine).find('\n') == received.npos;
}

HttpReader::Parse HttpReader::parse_head() {
    if (begin_ == buffer_.size()) return Parse::more;
    auto& request = parser_->request;
    BeastError error;
    try {
        const std::size_t used =
            request.put({buffer_.data() + begin_, buffer_.size() - begin_}, error);
        begin_ += used;
        first_line_read_ = first_line_read_ || used > 0;
    } catch (const std::length_error&) {  // Beast's fields end at 64 KiB
        error = http::error::header_limit;
    }
    if (request.is_header_done()) return Parse::done;
    if (!error || error == http::error::need_more) return Parse::more;
    if (error == http::error::header_limit)
        refuse(431, "read request: its header is too long");
    else if (error == http::error::bad_version)
        refuse(505, "read request: HTTP/1.1 is spoken here");
    else
        refuse(400, "read request: " + error.message());
    return Parse::refused;
}

Arrival HttpReader::accept_head() {
    const Fields& fields = parser_->request.get();
    if (fields.target().size() > kRequestLine)
        return refuse(414, "read request: its first line is longer than 64 KiB");
    if (static_cast<std::size_t>(std::distance(fields.begin(), fields.end())) > kHeaders)
        return refuse(431, "read request: more than 512 header fields");
    if (std::string doubt = ambiguity(fields); !doubt.empty())
        return refuse(400, "read request: " + doubt);
    const auto expected = fields[http::field::expect];
    if (!expected.empty() && !boost::beast::iequals(expected, "100-continue"))
        return refuse(417, "read request: unknown expectation " + text(expected));

    head_.method = method_of(fields.method());
    head_.target = text(fields.target());
    head_.http11 = fields.version() >= 11;
    head_.keep_alive = fields.keep_alive();
    head_.upgrade = has_token(fields, http::field::connection, "upgrade") &&
                    fields.count(http::field::upgrade) > 0;
    head_.has_body = !parser_->request.is_done();
    head_.content_type = text(fields[http::field::content_type]);
    head_.registry_auth = text(fields["X-Registry-Auth"]);
    continue_wanted_ = !expected.empty() && head_.has_body;
    return Arrival::request;
}

bool HttpReader::body_done() const { return parser_->request.is_done(); }

Result<void> HttpReader::invite_body() {
    if (!std::exchange(continue_wanted_, false)) return {};
    return socket_.write({"HTTP/1.1 100 Continue\r\n\r\n"});
}

Result<std::size_t> HttpReader::read_body(char* into, std::size_t size, Socket::Deadline deadline) {
    auto& request = parser_->request;
    TRY(invite_body());
    auto& target = request.get().body();
    target.data = into;
    target.size = size;
    while (!request.is_done() && target.size == size) {
        BeastError error = http::error::need_more;
        if (begin_ < buffer_.size())
            begin_ += request.put({buffer_.data() + begin_, buffer_.size() - begin_}, error);
        if (error == http::error::need_more && target.size == size && !request.is_done()) {
            if (buffer_.size() - begin_ > kRequestHead)
                return fail(Code::invalid, "read body: a chunk's head is too long");
            switch (fill(deadline)) {
                case Fill::more: break;
                case Fill::end:
                    return fail(Code::unavailable,
                                "read body: the client left in the middle of it");
                case Fill::refused: return fail(Code::deadline, "read body: it took too long");
            }
        } else if (error && error != http::error::need_more && error != http::error::need_buffer) {
            return fail(Code::invalid, "read body: ", error.message());
        }
    }
    return size - target.size;
}

bool HttpReader::drain() {
    if (body_done()) return true;
    if (continue_wanted_) return false;  // whether the client sends it at all is open
    std::array<char, kReadBlock> waste;
    const Socket::Deadline deadline = std::chrono::steady_clock::now() + kLingerDeadline;
    for (std::size_t total = 0; total < kDrainedBody;) {
        const Result<std::size_t> count = read_body(waste.data(), waste.size(), deadline);
        if (!count) return false;
        if (*count == 0) return body_done();
        total += *count;
    }
    return body_done();
}

std::string HttpReader::take_rest() {
    std::string rest = buffer_.substr(begin_);
    buffer_ = {};
    begin_ = 0;
    return rest;
}

}  // namespace davit::docker_api
