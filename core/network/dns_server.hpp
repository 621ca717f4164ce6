// SPDX-License-Identifier: Apache-2.0
// The name server of containers on user-defined networks (seams rule 6): one thread for all of
// them, started with the first. It answers what the directory knows and passes on the rest, except
// from sandboxes that only internal networks lead out of. Thread-safe.
#pragma once

#include "core/network/dns_exchange.hpp"
#include "core/network/dns_sockets.hpp"
#include "core/network/sandbox.hpp"

#include <netinet/in.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace davit::network {

// What the server asks about the sandbox that a question comes from. Called on the server's thread.
struct DnsDirectory {
    // Of everybody with that name on the sandbox's networks; nothing: nobody has it.
    std::function<std::vector<sdk::Prefix>(const Sandbox&, const std::string& name)> addresses;
    // Empty: nobody on the sandbox's networks has that address.
    std::function<std::string(const Sandbox&, const sdk::Prefix& address)> name;
    // Questions of this sandbox may leave the host.
    std::function<bool(const Sandbox&)> passes_on;
};

class DnsServer {
public:
    explicit DnsServer(DnsDirectory directory);
    ~DnsServer();
    DnsServer(const DnsServer&) = delete;
    DnsServer& operator=(const DnsServer&) = delete;

    // Serves the sandbox, whose namespace is behind `netns` (borrowed); once is enough.
    Result<void> open(const std::shared_ptr<const Sandbox>& sandbox, int netns);
    // Closes what holds the namespace. No error when it was not served.
    void close(const Sandbox& sandbox);

private:
    using Key = std::uint64_t;
    using Clock = DnsExchange::Clock;
    struct Service {
        std::shared_ptr<const Sandbox> sandbox;
        DnsSockets sockets;
        std::size_t connections = 0, exchanges = 0;
    };
    struct Connection {
        Key service = 0;
        Fd socket;
        std::string received;
        Clock::time_point deadline;
    };
    struct Asker {  // to whom an answer goes
        Key service = 0;
        Key connection = 0;  // 0: by UDP, to `from`
        sockaddr_in from{};
    };
    struct Exchange {  // a question that was passed on
        Asker asker;
        std::string message;
        DnsQuestion question;
        DnsExchange upstream;
    };

    // All of these hold mutex_.
    Result<void> start();
    bool watch(int fd, Key key, std::uint32_t events, int operation);
    void handle(Key key);
    void receive(Key key, Service& service);
    void accept(Key key, Service& service);
    void read(Key key, Connection& connection);
    void ask(const Asker& asker, std::string_view message);
    std::optional<std::string> answer(const Service& service, std::string_view message,
                                      const DnsQuestion& question, std::size_t limit);
    void pass_on(const Asker& asker, std::string_view message, const DnsQuestion& question);
    bool ask_next(Key key, Exchange& exchange);
    void advance(Key key, Exchange& exchange);
    void give_up(Key key);
    void reply(const Asker& asker, std::string_view message);
    void drop_exchange(Key key);
    void drop_connection(Key key);
    void drop_late();
    void run();

    const DnsDirectory directory_;
    std::mutex mutex_;
    Fd epoll_, wake_;
    std::thread thread_;
    bool ending_ = false, running_ = false;  // the thread runs while somebody is served
    Key last_key_ = 0;
    std::map<Key, Service> services_;
    std::map<std::string, Key> by_sandbox_;
    std::map<Key, Connection> connections_;
    std::map<Key, Exchange> exchanges_;
};

}  // namespace davit::network
