// SPDX-License-Identifier: Apache-2.0
// davit-dial: carries a connection to a TCP port between its standard input, a stream socket, and
// the network, with TLS where asked. A program of its own, so that davit, which is static and
// started all the time, holds neither a crypto library nor a name service.
//
//   davit-dial [--tls|--tlsverify] [--tlscacert FILE] [--tlscert FILE] [--tlskey FILE] HOST PORT
//
// What goes wrong is told as an answer of the Engine API: davit shows it like any other.
#include "sdk/base/file.hpp"
#include "sdk/tls/tunnel.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>

namespace davit {
namespace {

constexpr std::chrono::seconds kPatience{15};  // for the connection, then again for TLS
constexpr std::size_t kBlock = 32 * 1024;

struct Options {
    bool tls = false, verify = false;
    tls::Files files;
    std::string host, port;
};

Result<Options> read_options(int count, char** words) {
    Options options;
    for (int at = 1; at < count; ++at) {
        const std::string word = words[at];
        const auto value = [&] {
            return at + 1 < count ? std::string(words[++at]) : std::string();
        };
        if (word == "--tls")
            options.tls = true;
        else if (word == "--tlsverify")
            options.tls = options.verify = true;
        else if (word == "--tlscacert")
            options.files.authorities = value();
        else if (word == "--tlscert")
            options.files.certificate = value();
        else if (word == "--tlskey")
            options.files.key = value();
        else if (options.host.empty())
            options.host = word;
        else
            options.port = word;
    }
    if (options.port.empty()) return fail(Code::invalid, "davit-dial: expected HOST and PORT");
    return options;
}

Result<void> connect_within(const Fd& socket, const addrinfo& to, const std::string& what) {
    if (::connect(socket.get(), to.ai_addr, to.ai_addrlen) == 0) return {};
    if (errno != EINPROGRESS) return os_error(what);
    pollfd wait{socket.get(), POLLOUT, 0};
    const auto patience = std::chrono::milliseconds(kPatience).count();
    if (::poll(&wait, 1, static_cast<int>(patience)) == 0)
        return fail(Code::deadline, what, ": no answer within 15 seconds");
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return os_error(error, what);
    return {};
}

// The first address of the name that answers.
Result<Fd> connect_tcp(const Options& options) {
    const std::string what = "connect to tcp://" + options.host + ":" + options.port;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &found);
    if (error != 0) return fail(Code::unavailable, what, ": ", ::gai_strerror(error));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
    Error last = fail(Code::unavailable, what, ": it has no address");
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        Fd socket(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) return os_error(what);
        const auto connected = connect_within(socket, *one, what);
        if (connected) return socket;
        last = connected.error();
    }
    return last;
}

// Without TLS: bytes as they are, until both sides have said all, or `to` is gone.
void carry(const Fd& plain, const Fd& far) {
    std::array<char, kBlock> block;
    bool plain_sends = true, far_sends = true;
    const auto move = [&](const Fd& from, const Fd& to) {
        const ssize_t count = ::read(from.get(), block.data(), block.size());
        if (count > 0)
            return static_cast<bool>(
                write_all(to.get(), {block.data(), static_cast<std::size_t>(count)}));
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
        ::shutdown(to.get(), SHUT_WR);
        return false;
    };
    while (far_sends) {
        std::array<pollfd, 2> set{{{plain.get(), static_cast<short>(plain_sends ? POLLIN : 0), 0},
                                   {far.get(), POLLIN, 0}}};
        if (::poll(set.data(), set.size(), -1) < 0) continue;
        if ((set[0].revents & POLLIN) != 0)
            plain_sends = move(plain, far);
        else if ((set[0].revents & (POLLHUP | POLLERR)) != 0)
            return;  // davit has left
        if ((set[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) far_sends = move(far, plain);
    }
}

Result<void> dial(const Options& options, Fd plain) {
    std::optional<tls::Context> context;  // first: a mistake in the files needs no connection
    if (options.tls) context = TRY(tls::Context::client(options.files, options.verify));
    Fd far = TRY(connect_tcp(options));
    if (!context) {
        ::fcntl(far.get(), F_SETFL, ::fcntl(far.get(), F_GETFL) & ~O_NONBLOCK);
        carry(plain, far);
        return {};
    }
    auto tunnel = TRY(tls::Tunnel::client(*context, std::move(far), options.host));
    TRY(tunnel.shake_hands(kPatience, -1)
            .context("connect to tcp://", options.host, ":", options.port));
    return tunnel.run(std::move(plain), -1)
        .context("connect to tcp://", options.host, ":", options.port);
}

// davit's request is on its way: it is read to its end, or the answer might be lost with it.
int report(const Error& error, int plain) {
    std::string text;
    for (const char c : error.what) {
        if (c == '"' || c == '\\') text += '\\';
        text += c >= ' ' ? c : ' ';
    }
    ::fcntl(plain, F_SETFL, ::fcntl(plain, F_GETFL) & ~O_NONBLOCK);
    const std::string body = "{\"message\":\"" + text + "\"}\n";
    (void)write_all(plain,
                    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                    "Connection: close\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n" + body);
    ::shutdown(plain, SHUT_WR);
    std::array<char, kBlock> waste;
    while (::read(plain, waste.data(), waste.size()) > 0) {
    }
    return 1;
}

}  // namespace
}  // namespace davit

int main(int count, char** words) {
    using namespace davit;
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);  // of a terminal: davit decides what it means
    const int plain = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    ::close(STDIN_FILENO);
    ::close(STDOUT_FILENO);
    const int kept = ::fcntl(plain, F_DUPFD_CLOEXEC, 3);
    const auto options = read_options(count, words);
    if (!options) return report(options.error(), kept);
    const auto done = dial(*options, Fd(plain));
    return done ? 0 : report(done.error(), kept);
}
