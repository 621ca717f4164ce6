// SPDX-License-Identifier: Apache-2.0
// One question on its way to the name servers of the host: from one to the next until one answers.
// Every question has a socket (and so a port) and an id of its own, which is what keeps strangers
// from answering in their place. Not thread-safe.
#pragma once

#include "core/network/dns_message.hpp"
#include "sdk/base/fd.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace davit::network {

// The name servers of resolv.conf(5)'s text.
std::vector<std::string> name_servers_of(std::string_view text);

class DnsExchange {
public:
    using Clock = std::chrono::steady_clock;

    DnsExchange(std::string query, DnsQuestion question, std::vector<std::string> servers,
                bool stream);

    // Asks the next server. False: there is none.
    bool ask_next();
    int fd() const { return socket_.get(); }
    std::uint32_t events() const;  // of epoll(7), to wait for
    Clock::time_point deadline() const { return deadline_; }

    enum class Step { waiting, answered, failed };
    // When the socket is ready.
    Step advance();
    // With the id of the one who asked, once there is one.
    std::string take_answer();

private:
    bool ask(const sdk::Prefix& server);
    bool send();
    Step receive_message();
    Step receive_stream();
    Step judge(std::string_view message);

    std::string query_;
    const DnsQuestion question_;
    const std::vector<std::string> servers_;
    const bool stream_;
    const std::uint16_t asked_id_;
    std::size_t next_ = 0;
    Fd socket_;
    bool sent_ = false;
    std::string received_, answer_;
    Clock::time_point deadline_;
};

}  // namespace davit::network
