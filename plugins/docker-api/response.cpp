// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/response.hpp"

#include "plugins/docker-api/json_text.hpp"
#include "plugins/docker-api/status.hpp"
#include "plugins/docker-api/version.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace davit::docker_api {

namespace {

// RFC 9110's form, in English whatever the locale.
void append_date(std::string& head) {
    static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t now = ::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 64> text;
    const int length =
        std::snprintf(text.data(), text.size(), "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                      kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                      kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900,
                      utc.tm_hour, utc.tm_min, utc.tm_sec);
    head.append(text.data(), static_cast<std::size_t>(length));
}

constexpr std::string_view kConstantHeaders =
    "Docker-Experimental: false\r\n"
    "Ostype: linux\r\n"
    "Server: Davit/" DAVIT_MODULE_VERSION " (linux)\r\n";

}  // namespace

Response::Response(Socket& socket, const RequestHead& request)
    : socket_(socket), request_(request), keep_alive_(request.keep_alive && request.http11) {}

void Response::add_header(std::string_view name, std::string_view value) {
    extra_headers_.append(name).append(": ").append(value).append("\r\n");
}

void Response::start_head(unsigned status) {
    started_ = true;
    head_ = "HTTP/1.1 ";
    head_.append(std::to_string(status)).append(" ").append(reason_phrase(status)).append("\r\n");
    head_.append("Api-Version: ")
        .append(kCurrentVersion.text())
        .append("\r\n")
        .append(kConstantHeaders);
    append_date(head_);
    head_.append(extra_headers_);
}

Result<void> Response::send(unsigned status, std::string_view type, std::string_view body) {
    start_head(status);
    if (!type.empty()) head_.append("Content-Type: ").append(type).append("\r\n");
    // RFC 9110 8.6: no Content-Length in a 204; a 304 and the answer to HEAD have no body either
    // way.
    if (status != 204 && status != 304)
        head_.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    if (!keep_alive_) head_.append("Connection: close\r\n");
    head_.append("\r\n");
    return socket_.write({head_, request_.method == Method::head ? std::string_view{} : body});
}

Result<void> Response::send_error(unsigned status, std::string_view message) {
    return send(status, "application/json", error_json(message));
}

Result<void> Response::begin(unsigned status, std::string_view type) {
    if (!request_.http11) keep_alive_ = false;  // the end of the connection is the end of the body
    start_head(status);
    if (!type.empty()) head_.append("Content-Type: ").append(type).append("\r\n");
    if (request_.http11) head_.append("Transfer-Encoding: chunked\r\n");
    if (!keep_alive_) head_.append("Connection: close\r\n");
    head_.append("\r\n");
    return socket_.write({head_});
}

Result<void> Response::piece(std::string_view first, std::string_view second) {
    const std::size_t size = first.size() + second.size();
    if (size == 0) return {};  // an empty chunk would end the body
    if (taken_over_ || !request_.http11) return socket_.write({first, second});
    std::array<char, 20> chunk;
    char* const end = std::to_chars(chunk.data(), chunk.data() + 16, size, 16).ptr;
    std::copy_n("\r\n", 2, end);
    return socket_.write(
        {{chunk.data(), static_cast<std::size_t>(end + 2 - chunk.data())}, first, second, "\r\n"});
}

Result<void> Response::end() {
    if (!request_.http11) return {};
    return socket_.write({"0\r\n\r\n"});
}

Result<void> Response::take_over(std::string_view type) {
    keep_alive_ = false;
    taken_over_ = true;
    start_head(request_.upgrade ? 101 : 200);
    head_.append("Content-Type: ").append(type).append("\r\n");
    if (request_.upgrade) head_.append("Connection: Upgrade\r\nUpgrade: tcp\r\n");
    head_.append("\r\n");
    return socket_.write({head_});
}

}  // namespace davit::docker_api
