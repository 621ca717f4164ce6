// SPDX-License-Identifier: Apache-2.0
#include "core/network/dns_exchange.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace davit::network {

namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kServersMax = 3, kMessageMax = 65535, kLengthBytes = 2;
constexpr std::chrono::seconds kPatience{2};  // for each server

std::uint16_t random_number() {
    std::uint16_t number = 0;
    (void)!::getrandom(&number, sizeof number, 0);  // never fails for so few bytes
    return number;
}

struct Target {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

Target target_of(const sdk::Prefix& server) {
    Target target;
    if (server.family == 4) {
        auto* four = reinterpret_cast<sockaddr_in*>(&target.storage);
        four->sin_family = AF_INET;
        four->sin_port = htons(kDnsPort);
        std::memcpy(&four->sin_addr, server.bytes.data(), sizeof four->sin_addr);
        target.length = sizeof *four;
    } else {
        auto* six = reinterpret_cast<sockaddr_in6*>(&target.storage);
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(kDnsPort);
        std::memcpy(&six->sin6_addr, server.bytes.data(), sizeof six->sin6_addr);
        target.length = sizeof *six;
    }
    return target;
}

}  // namespace

std::vector<std::string> name_servers_of(std::string_view text) {
    constexpr std::string_view kKeyword = "nameserver", kBlank = " \t\r";
    std::vector<std::string> servers;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (!line.starts_with(kKeyword)) continue;
        line.remove_prefix(kKeyword.size());
        const std::size_t begin = line.find_first_not_of(kBlank);
        if (begin == 0 || begin == std::string_view::npos) continue;
        line.remove_prefix(begin);
        servers.emplace_back(line.substr(0, line.find_first_of(kBlank)));
    }
    return servers;
}

DnsExchange::DnsExchange(std::string query, DnsQuestion question, std::vector<std::string> servers,
                         bool stream)
    : query_(std::move(query)),
      question_(std::move(question)),
      servers_(std::move(servers)),
      stream_(stream),
      asked_id_(message_id(query_)) {}

bool DnsExchange::ask_next() {
    while (next_ < std::min(servers_.size(), kServersMax)) {
        const auto server = sdk::parse_prefix(servers_[next_++]);
        if (server && ask(*server)) return true;
    }
    socket_.reset();
    return false;
}

bool DnsExchange::ask(const sdk::Prefix& server) {
    const Target target = target_of(server);
    socket_ = Fd(::socket(target.storage.ss_family,
                          (stream_ ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) return false;
    const auto* address = reinterpret_cast<const sockaddr*>(&target.storage);
    if (::connect(socket_.get(), address, target.length) != 0 && errno != EINPROGRESS) return false;
    set_message_id(query_, random_number());
    sent_ = false;
    received_.clear();
    deadline_ = Clock::now() + kPatience;
    return stream_ || send();
}

bool DnsExchange::send() {
    std::string frame;
    if (stream_) {
        frame += static_cast<char>(query_.size() >> 8);
        frame += static_cast<char>(query_.size() & 0xff);
    }
    frame += query_;
    sent_ = ::send(socket_.get(), frame.data(), frame.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(frame.size());
    return sent_;
}

std::uint32_t DnsExchange::events() const { return sent_ ? EPOLLIN : EPOLLOUT; }

DnsExchange::Step DnsExchange::advance() {
    if (!sent_) return send() ? Step::waiting : Step::failed;
    return stream_ ? receive_stream() : receive_message();
}

DnsExchange::Step DnsExchange::receive_message() {
    std::array<char, kMessageMax> buffer;
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Step::waiting : Step::failed;
    return judge({buffer.data(), static_cast<std::size_t>(got)});
}

DnsExchange::Step DnsExchange::receive_stream() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Step::waiting : Step::failed;
    if (got == 0) return Step::failed;
    received_.append(buffer.data(), static_cast<std::size_t>(got));
    if (received_.size() < kLengthBytes) return Step::waiting;
    const std::size_t length = message_id(received_);  // as an id, two bytes in network order
    if (received_.size() < kLengthBytes + length) return Step::waiting;
    const Step step = judge(std::string_view(received_).substr(kLengthBytes, length));
    return step == Step::waiting ? Step::failed : step;
}

// What answers another question is no reason to stop waiting: anybody can send that.
DnsExchange::Step DnsExchange::judge(std::string_view message) {
    if (!answers(message, query_, question_)) return Step::waiting;
    if (declines(message) && next_ < std::min(servers_.size(), kServersMax)) return Step::failed;
    answer_.assign(message);
    return Step::answered;
}

std::string DnsExchange::take_answer() {
    set_message_id(answer_, asked_id_);
    return std::move(answer_);
}

}  // namespace davit::network
