// SPDX-License-Identifier: Apache-2.0
#include "core/network/dns_server.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace davit::network {

namespace {

// The lowest bits of a key say what it is the key of.
enum class Kind : std::uint8_t { udp = 0, listener = 1, connection = 2, exchange = 3 };
constexpr std::uint64_t kKindMask = 3, kKeyStep = 4, kWake = 0;

constexpr std::size_t kMessageMax = 65535, kLengthBytes = 2;
// What one sandbox may have under way: it must not use up the engine's descriptors.
constexpr std::size_t kConnectionsMax = 32, kExchangesMax = 128;
constexpr int kBatch = 32;  // messages of one sandbox before it is another's turn
constexpr std::chrono::seconds kIdle{10};
constexpr int kCheckMs = 250;  // how late what is late may be noticed

Kind kind_of(std::uint64_t key) { return static_cast<Kind>(key & kKindMask); }
std::uint64_t as(Kind kind, std::uint64_t key) {
    return (key & ~kKindMask) | static_cast<std::uint64_t>(kind);
}

// Read anew for each question: the host may have moved to another network.
std::vector<std::string> host_name_servers() {
    constexpr std::size_t kFileMax = 1 << 16;
    const Fd file(::open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    return name_servers_of(read_all(file.get(), kFileMax).value_or(""));
}

}  // namespace

DnsServer::DnsServer(DnsDirectory directory)
    : directory_(std::move(directory)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

DnsServer::~DnsServer() {
    if (!thread_.joinable()) return;
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
    }
    (void)::eventfd_write(wake_.get(), 1);
    thread_.join();
}

Result<void> DnsServer::start() {
    if (running_) return {};
    if (!epoll_ || !wake_) return fail(Code::unavailable, "start name server: no descriptors");
    if (thread_.joinable())
        thread_.join();  // it holds no lock any more
    else if (!watch(wake_.get(), kWake, EPOLLIN, EPOLL_CTL_ADD))
        return os_error("start name server");
    running_ = true;
    thread_ = std::thread([this] { run(); });
    return {};
}

bool DnsServer::watch(int fd, Key key, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
}

Result<void> DnsServer::open(const std::shared_ptr<const Sandbox>& sandbox, int netns) {
    {
        std::lock_guard lock(mutex_);
        if (by_sandbox_.contains(sandbox->id())) return {};
    }
    DnsSockets sockets = TRY(open_dns_sockets(netns).context("serve names to container ",
                                                             sandbox->occupant().container));
    std::lock_guard lock(mutex_);
    const Key key = last_key_ += kKeyStep;
    const auto& service =
        services_.emplace(key, Service{.sandbox = sandbox, .sockets = std::move(sockets)})
            .first->second;
    by_sandbox_[sandbox->id()] = key;
    auto started = start();
    if (started && watch(service.sockets.udp.get(), as(Kind::udp, key), EPOLLIN, EPOLL_CTL_ADD) &&
        watch(service.sockets.tcp.get(), as(Kind::listener, key), EPOLLIN, EPOLL_CTL_ADD))
        return {};
    Error error = started
                      ? os_error("wait for questions of container " + sandbox->occupant().container)
                      : std::move(started).error();
    by_sandbox_.erase(sandbox->id());
    services_.erase(key);
    if (services_.empty()) (void)::eventfd_write(wake_.get(), 1);
    return error;
}

void DnsServer::close(const Sandbox& sandbox) {
    std::lock_guard lock(mutex_);
    const auto found = by_sandbox_.find(sandbox.id());
    if (found == by_sandbox_.end()) return;
    const Key key = found->second;
    std::erase_if(connections_, [&](const auto& one) { return one.second.service == key; });
    std::erase_if(exchanges_, [&](const auto& one) { return one.second.asker.service == key; });
    services_.erase(key);
    by_sandbox_.erase(found);
    if (services_.empty()) (void)::eventfd_write(wake_.get(), 1);  // the thread ends
}

void DnsServer::run() {
    std::array<epoll_event, 64> events{};
    for (;;) {
        int patience = -1;
        {
            std::lock_guard lock(mutex_);
            if (ending_ || services_.empty()) {
                running_ = false;
                return;
            }
            if (!connections_.empty() || !exchanges_.empty()) patience = kCheckMs;
        }
        const int ready =
            ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), patience);
        std::lock_guard lock(mutex_);
        for (int i = 0; i < ready; ++i) handle(events.at(static_cast<std::size_t>(i)).data.u64);
        drop_late();
    }
}

// A key may be of something that has gone since: keys are never used twice.
void DnsServer::handle(Key key) {
    if (key == kWake) {
        eventfd_t ignored = 0;
        (void)::eventfd_read(wake_.get(), &ignored);
        return;
    }
    const Key service_key = as(Kind::udp, key);
    const auto service = services_.find(service_key);
    switch (kind_of(key)) {
        case Kind::udp:
            if (service != services_.end()) receive(service_key, service->second);
            return;
        case Kind::listener:
            if (service != services_.end()) accept(service_key, service->second);
            return;
        case Kind::connection:
            if (const auto one = connections_.find(key); one != connections_.end())
                read(key, one->second);
            return;
        case Kind::exchange:
            if (const auto one = exchanges_.find(key); one != exchanges_.end())
                advance(key, one->second);
    }
}

void DnsServer::receive(Key key, Service& service) {
    std::array<char, kMessageMax> buffer;
    for (int i = 0; i < kBatch; ++i) {
        Asker asker{.service = key};
        socklen_t length = sizeof asker.from;
        const ssize_t got = ::recvfrom(service.sockets.udp.get(), buffer.data(), buffer.size(), 0,
                                       reinterpret_cast<sockaddr*>(&asker.from), &length);
        if (got < 0) return;
        ask(asker, {buffer.data(), static_cast<std::size_t>(got)});
    }
}

void DnsServer::accept(Key key, Service& service) {
    Fd socket(::accept4(service.sockets.tcp.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket || service.connections >= kConnectionsMax) return;
    const Key made = as(Kind::connection, last_key_ += kKeyStep);
    if (!watch(socket.get(), made, EPOLLIN, EPOLL_CTL_ADD)) return;
    ++service.connections;
    connections_.emplace(made, Connection{.service = key,
                                          .socket = std::move(socket),
                                          .received = {},
                                          .deadline = Clock::now() + kIdle});
}

// One message at a time, so that whoever is sent away is never touched again.
void DnsServer::read(Key key, Connection& connection) {
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return drop_connection(key);
    connection.received.append(buffer.data(), static_cast<std::size_t>(got));
    connection.deadline = Clock::now() + kIdle;
    const Asker asker{.service = connection.service, .connection = key};
    for (auto one = connections_.find(key); one != connections_.end();
         one = connections_.find(key)) {
        std::string& received = one->second.received;
        if (received.size() < kLengthBytes) return;
        const std::size_t length = message_id(received);  // two bytes in network order, as an id
        if (received.size() < kLengthBytes + length) return;
        const std::string message = received.substr(kLengthBytes, length);
        received.erase(0, kLengthBytes + length);
        ask(asker, message);
    }
}

void DnsServer::ask(const Asker& asker, std::string_view message) {
    const auto question = read_question(message);
    if (!question) return;  // not a question that anybody could answer
    const std::size_t limit = asker.connection != 0 ? kMessageMax : question->limit;
    const Service& service = services_.at(asker.service);
    if (const auto known = answer(service, message, *question, limit)) return reply(asker, *known);
    if (!directory_.passes_on(*service.sandbox))
        return reply(asker, empty_answer(message, *question, DnsCode::server_failure));
    pass_on(asker, message, *question);
}

std::optional<std::string> DnsServer::answer(const Service& service, std::string_view message,
                                             const DnsQuestion& question, std::size_t limit) {
    constexpr std::uint16_t kInternet = 1;
    if (question.name_class != kInternet || question.name.empty()) return std::nullopt;
    if (question.type == static_cast<std::uint16_t>(DnsType::ptr)) {
        const auto address = address_of_pointer(question.name);
        const std::string name = address ? directory_.name(*service.sandbox, *address) : "";
        if (name.empty()) return std::nullopt;
        return pointer_answer(message, question, name);
    }
    const auto addresses = directory_.addresses(*service.sandbox, question.name);
    if (addresses.empty()) return std::nullopt;
    return address_answer(message, question, addresses, limit);
}

void DnsServer::pass_on(const Asker& asker, std::string_view message, const DnsQuestion& question) {
    Service& service = services_.at(asker.service);
    if (service.exchanges >= kExchangesMax)
        return reply(asker, empty_answer(message, question, DnsCode::server_failure));
    const auto& own = service.sandbox->occupant().name_servers;
    const Key key = as(Kind::exchange, last_key_ += kKeyStep);
    const auto made =
        exchanges_
            .emplace(key, Exchange{.asker = asker,
                                   .message = std::string(message),
                                   .question = question,
                                   .upstream = {std::string(message), question,
                                                own.empty() ? host_name_servers() : own,
                                                asker.connection != 0}})
            .first;
    ++service.exchanges;
    if (!ask_next(key, made->second)) give_up(key);
}

bool DnsServer::ask_next(Key key, Exchange& exchange) {
    DnsExchange& upstream = exchange.upstream;
    return upstream.ask_next() && watch(upstream.fd(), key, upstream.events(), EPOLL_CTL_ADD);
}

void DnsServer::advance(Key key, Exchange& exchange) {
    DnsExchange& upstream = exchange.upstream;
    switch (upstream.advance()) {
        case DnsExchange::Step::waiting:
            (void)watch(upstream.fd(), key, upstream.events(), EPOLL_CTL_MOD);
            return;
        case DnsExchange::Step::answered:
            reply(exchange.asker, upstream.take_answer());
            return drop_exchange(key);
        case DnsExchange::Step::failed:
            if (!ask_next(key, exchange)) give_up(key);
    }
}

void DnsServer::give_up(Key key) {
    const Exchange& exchange = exchanges_.at(key);
    reply(exchange.asker,
          empty_answer(exchange.message, exchange.question, DnsCode::server_failure));
    drop_exchange(key);
}

// Who does not take its answer at once does without: nobody waits for a container.
void DnsServer::reply(const Asker& asker, std::string_view message) {
    if (asker.connection == 0) {
        const Service& service = services_.at(asker.service);
        (void)!::sendto(service.sockets.udp.get(), message.data(), message.size(), MSG_NOSIGNAL,
                        reinterpret_cast<const sockaddr*>(&asker.from), sizeof asker.from);
        return;
    }
    const auto connection = connections_.find(asker.connection);
    if (connection == connections_.end()) return;
    std::string frame(kLengthBytes, '\0');
    set_message_id(frame, static_cast<std::uint16_t>(message.size()));
    frame += message;
    const ssize_t sent =
        ::send(connection->second.socket.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(frame.size())) drop_connection(asker.connection);
}

void DnsServer::drop_exchange(Key key) {
    const auto found = exchanges_.find(key);
    if (found == exchanges_.end()) return;
    --services_.at(found->second.asker.service).exchanges;
    exchanges_.erase(found);
}

void DnsServer::drop_connection(Key key) {
    const auto found = connections_.find(key);
    if (found == connections_.end()) return;
    --services_.at(found->second.service).connections;
    connections_.erase(found);
}

void DnsServer::drop_late() {
    const auto now = Clock::now();
    std::vector<Key> late;
    for (const auto& [key, exchange] : exchanges_)
        if (exchange.upstream.deadline() < now) late.push_back(key);
    for (const Key key : late)
        if (!ask_next(key, exchanges_.at(key))) give_up(key);
    late.clear();
    for (const auto& [key, connection] : connections_)
        if (connection.deadline < now) late.push_back(key);
    for (const Key key : late) drop_connection(key);
}

}  // namespace davit::network
