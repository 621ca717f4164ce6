// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <sstream>

namespace davit::tests {

ScriptedServer::ScriptedServer(Script script, const std::string& host)
    : script_(std::move(script)), host_(host) {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    wake_ = Fd(::eventfd(0, EFD_CLOEXEC));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, host_.c_str(), &address.sin_addr);
    socklen_t size = sizeof address;
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return;
    ::listen(listener_.get(), 16);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
    ::eventfd_write(wake_.get(), 1);
    if (thread_.joinable()) thread_.join();
}

std::vector<ScriptedServer::Asked> ScriptedServer::asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
}

void ScriptedServer::serve() {
    for (;;) {
        pollfd ready[2] = {{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
        ::poll(ready, 2, -1);
        if (ready[1].revents != 0) return;
        const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (client) answer(client.get());
    }
}

void ScriptedServer::answer(int client) {
    std::string head;
    char byte = 0;
    while (head.find("\r\n\r\n") == std::string::npos && ::recv(client, &byte, 1, 0) == 1)
        head += byte;
    Asked asked;
    std::istringstream lines(head);
    std::string line;
    std::getline(lines, line);
    std::istringstream(line) >> asked.method >> asked.target;
    while (std::getline(lines, line) && line.size() > 1) {
        std::string name = line.substr(0, line.find(':'));
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        asked.headers[name] = line.substr(name.size() + 2, line.size() - name.size() - 3);
    }
    if (asked.method.empty()) return;
    {
        const std::lock_guard lock(mutex_);
        asked_.push_back(asked);
    }
    const Reply reply = script_(asked);
    if (reply.silent) {
        pollfd ready[2] = {{client, POLLIN | POLLRDHUP, 0}, {wake_.get(), POLLIN, 0}};
        ::poll(ready, 2, -1);
        return;
    }
    std::string text =
        "HTTP/1.1 " + std::to_string(reply.status) +
        " x\r\nConnection: close\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
    for (const std::string& header : reply.headers) text += header + "\r\n";
    text += "\r\n";
    if (asked.method != "HEAD") text += reply.body.substr(0, reply.send_only);
    ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    ::shutdown(client, SHUT_WR);
}

}  // namespace davit::tests
