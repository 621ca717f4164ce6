// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/http.hpp"

#include <strings.h>
#include <algorithm>
#include <charconv>

namespace davit::sdk {
namespace {

constexpr std::size_t kMaxHead = 64u
                                 << 10;  // ours have some hundred bytes; more is not the Engine API
constexpr std::size_t kMaxLine = 4u << 10;  // a chunk's size line or a trailer

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text, std::string_view also_plain) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (unreserved(c) || also_plain.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

Result<void> parse_status_line(std::string_view line, HttpHead& head) {
    // HTTP/1.1 200 OK
    if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ')
        return fail(Code::corrupt, "read response: not HTTP/1.x");
    head.minor = line[7] - '0';
    const auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, head.status);
    if (error != std::errc() || end != line.data() + 12 || head.status < 100)
        return fail(Code::corrupt, "read response: bad status line");
    head.reason = trimmed(line.substr(12));
    return {};
}

}  // namespace

std::string_view HttpHead::header(std::string_view name) const {
    for (const auto& entry : headers)
        if (same_name(entry.name, name)) return entry.value;
    return {};
}

std::string encode(const HttpRequest& request) {
    std::string out;
    out.reserve(256 + request.target.size() + request.body.size());
    out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
    out.append("Host: davit\r\n");
    for (const auto& [name, value] : request.headers)
        out.append(name).append(": ").append(value).append("\r\n");
    if (request.streams_body)
        out.append("Transfer-Encoding: chunked\r\n");
    else if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
        out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    out.append("\r\n").append(request.body);
    return out;
}

Result<std::optional<HttpHead>> parse_head(std::string_view bytes, std::size_t& used) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        if (bytes.size() > kMaxHead) return fail(Code::corrupt, "read response: head is too long");
        return std::optional<HttpHead>{};
    }
    HttpHead head;
    auto text = bytes.substr(0, end);
    auto line_end = std::min(text.find("\r\n"), text.size());
    TRY(parse_status_line(text.substr(0, line_end), head));
    while (line_end < text.size()) {
        text.remove_prefix(line_end + 2);
        line_end = std::min(text.find("\r\n"), text.size());
        const auto line = text.substr(0, line_end);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos)
            return fail(Code::corrupt, "read response: bad header");
        head.headers.push_back(
            {std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))});
    }
    used = end + 4;
    return std::optional<HttpHead>(std::move(head));
}

std::string encode_path(std::string_view text) { return percent_encoded(text, "/:@"); }
std::string encode_query(std::string_view text) { return percent_encoded(text, ""); }

Query& Query::add(std::string_view name, std::string_view value) {
    text_ += text_.empty() ? '?' : '&';
    text_.append(name).append("=").append(encode_query(value));
    return *this;
}

Query& Query::flag(std::string_view name, bool set) { return set ? add(name, "1") : *this; }
Query& Query::text(std::string_view name, std::string_view value) {
    return value.empty() ? *this : add(name, value);
}

Result<void> ChunkDecoder::take_line() {
    const auto line = trimmed(line_);
    switch (state_) {
        case State::size: {
            const auto digits = line.substr(0, line.find(';'));
            const auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
            if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
                return fail(Code::corrupt, "read response: bad chunk size");
            state_ = left_ == 0 ? State::trailer : State::payload;
            break;
        }
        case State::payload_end:
            if (!line.empty())
                return fail(Code::corrupt, "read response: chunk is longer than its size");
            state_ = State::size;
            break;
        default:  // trailer: lines until an empty one
            if (line.empty()) state_ = State::done;
    }
    line_.clear();
    return {};
}

Result<std::size_t> ChunkDecoder::feed(std::string_view bytes, std::string& out) {
    std::size_t used = 0;
    while (used < bytes.size() && state_ != State::done) {
        const auto rest = bytes.substr(used);
        if (state_ == State::payload) {
            const auto length =
                static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
            out.append(rest.substr(0, length));
            used += length;
            left_ -= length;
            if (left_ == 0) state_ = State::payload_end;
            continue;
        }
        const auto newline = rest.find('\n');
        line_.append(rest.substr(0, newline));
        if (line_.size() > kMaxLine)
            return fail(Code::corrupt, "read response: chunk line is too long");
        if (newline == std::string_view::npos) return bytes.size();
        used += newline + 1;
        TRY(take_line());
    }
    return used;
}

}  // namespace davit::sdk
