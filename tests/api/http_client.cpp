// SPDX-License-Identifier: Apache-2.0
#include "tests/api/http_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <algorithm>
#include <cctype>

namespace davit::docker_api::test {

namespace {
constexpr int kPatience = 45'000;  // milliseconds; only a broken server lets it pass
}

HttpClient::HttpClient(const std::string& socket_path)
    : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
        fd_.reset();
}

void HttpClient::send(const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        const ssize_t count =
            ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return;  // refused in the middle: the answer tells
        sent += static_cast<std::size_t>(count);
    }
}

void HttpClient::half_close() { ::shutdown(fd_.get(), SHUT_WR); }

bool HttpClient::fill() {
    pollfd set{fd_.get(), POLLIN, 0};
    if (::poll(&set, 1, kPatience) <= 0) return false;
    char block[16384];
    const ssize_t count = ::recv(fd_.get(), block, sizeof block, 0);
    if (count <= 0) return false;
    buffer_.append(block, static_cast<std::size_t>(count));
    return true;
}

std::string HttpClient::read_line() {
    std::size_t end;
    while ((end = buffer_.find("\r\n")) == buffer_.npos)
        if (!fill()) return {};
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return line;
}

Answer HttpClient::read_head() {
    Answer answer;
    const std::string first = read_line();
    if (!first.starts_with("HTTP/1.1 ") || first.size() < 13) return answer;
    answer.status = static_cast<unsigned>(std::stoul(first.substr(9, 3)));
    answer.reason = first.substr(13);
    for (std::string line = read_line(); !line.empty(); line = read_line()) {
        const std::size_t colon = line.find(':');
        std::string name = line.substr(0, colon);
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        answer.headers[name] = line.substr(line.find_first_not_of(' ', colon + 1));
    }
    return answer;
}

std::string HttpClient::read_raw(std::size_t size) {
    while (buffer_.size() < size)
        if (!fill()) break;
    std::string raw = buffer_.substr(0, size);
    buffer_.erase(0, raw.size());
    return raw;
}

std::string HttpClient::read_to_end() {
    while (fill()) {
    }
    return std::exchange(buffer_, {});
}

std::string HttpClient::read_chunk() {
    const std::string head = read_line();
    if (head.empty()) return {};
    std::string chunk = read_raw(std::stoul(head, nullptr, 16));
    read_raw(2);
    return chunk;
}

Answer HttpClient::read_answer(bool head) {
    Answer answer = read_head();
    if (answer.status == 0) return answer;
    if (head || answer.status == 204 || answer.status == 304) {
        answer.complete = true;
    } else if (answer.headers.contains("content-length")) {
        const std::size_t size = std::stoul(answer.headers["content-length"]);
        answer.body = read_raw(size);
        answer.complete = answer.body.size() == size;
    } else if (answer.headers.contains("transfer-encoding")) {
        for (std::string line = read_line(); !line.empty(); line = read_line()) {
            const std::size_t size = std::stoul(line, nullptr, 16);
            answer.body += read_raw(size);
            answer.complete = read_raw(2) == "\r\n" && size == 0;
            if (size == 0) break;
        }
    } else {
        answer.body = read_to_end();
        answer.complete = true;
    }
    return answer;
}

bool HttpClient::ended() {
    while (fill()) {
    }
    char byte;
    return ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

Answer HttpClient::ask(const std::string& socket_path, const std::string& method,
                       const std::string& target, const std::string& body,
                       const std::string& headers) {
    HttpClient client(socket_path);
    std::string request = method + " " + target + " HTTP/1.1\r\nHost: docker\r\n" + headers;
    if (!body.empty())
        request +=
            "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n";
    client.send(request + "\r\n" + body);
    return client.read_answer(method == "HEAD");
}

}  // namespace davit::docker_api::test
