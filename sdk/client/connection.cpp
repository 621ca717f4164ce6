// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/connection.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <charconv>
#include <cstring>

namespace davit::sdk {
namespace {

constexpr std::size_t kRead =
    16u << 10;  // a list of some ten containers; small, since it is zeroed before each read

// A path longer than sun_path's 107 bytes is reached through its directory:
// /proc/self/fd/<dir>/<name>.
Result<std::string> short_path(const std::string& path, Fd& directory) {
    if (path.size() < sizeof(sockaddr_un::sun_path)) return path;
    const auto slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    directory.reset(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return os_error("connect to " + path);
    return "/proc/self/fd/" + std::to_string(directory.get()) + "/" +
           (slash == std::string::npos ? path : path.substr(slash + 1));
}

Result<Fd> connect_unix(const std::string& socket_path) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return os_error("open socket");
    Fd directory;
    const auto path = TRY(short_path(socket_path, directory));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(Code::invalid, "connect to ", socket_path, ": the socket's name is too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    int result;
    do
        result =
            ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    while (result < 0 && errno == EINTR);
    if (result < 0) return os_error("connect to " + socket_path);
    return socket;
}

// The program has our end's peer as stdin and stdout, and ends when we close ours. Nobody waits for
// it: it is the child of a short-lived process.
Result<Fd> run_carrier(const Address& address) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return os_error("connect to " + address.shown);
    Fd ours(ends[0]), its(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, its.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, its.get(), STDOUT_FILENO);
    std::vector<char*> arguments;
    for (const auto& word : address.command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return os_error(error, "connect to " + address.shown + ": run " + address.command[0]);
    return ours;
}

}  // namespace

Result<Connection> Connection::open(const Address& address) {
    return Connection(
        TRY(address.command.empty() ? connect_unix(address.path) : run_carrier(address)));
}

Result<void> Connection::send(const HttpRequest& request) {
    answered_ = false;
    return send_bytes(encode(request));
}

Result<void> Connection::send_bytes(std::string_view rest) {
    while (!rest.empty()) {
        const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return os_error("send request");
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<std::size_t> Connection::fill() {
    if (position_ == buffer_.size()) {
        buffer_.clear();
        position_ = 0;
    }
    const auto old = buffer_.size();
    buffer_.resize(old + kRead);
    ssize_t got;
    do got = ::recv(socket_.get(), buffer_.data() + old, kRead, 0);
    while (got < 0 && errno == EINTR);
    const int error = errno;
    buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return os_error(error, "read response");
    answered_ |= got > 0;
    return static_cast<std::size_t>(got);
}

void Connection::set_mode(const HttpHead& head, std::string_view method) {
    const auto connection = head.header("Connection");
    const bool closes = connection.size() == 5 && ::strncasecmp(connection.data(), "close", 5) == 0;
    keep_alive_ = head.minor >= 1 && !closes;
    left_ = 0;
    chunks_ = {};
    const auto length = head.header("Content-Length");
    if (method == "HEAD" || head.status == 204 || head.status == 304 || head.status == 101) {
        mode_ = Mode::none;
    } else if (head.header("Transfer-Encoding") == "chunked") {
        mode_ = Mode::chunked;
    } else if (!length.empty()) {
        std::from_chars(length.data(), length.data() + length.size(), left_);
        mode_ = left_ == 0 ? Mode::none : Mode::length;
    } else {
        mode_ = Mode::until_close;
        keep_alive_ = false;
    }
}

Result<HttpHead> Connection::read_head(std::string_view method) {
    for (;;) {
        std::size_t used = 0;
        auto head = TRY(parse_head(std::string_view(buffer_).substr(position_), used));
        if (head) {
            position_ += used;
            if (head->status < 200 && head->status != 101) continue;
            set_mode(*head, method);
            return std::move(*head);
        }
        if (TRY(fill()) == 0)
            return Error{Code::unavailable, ECONNRESET,
                         "read response: the daemon closed the connection"};
    }
}

Result<std::string_view> Connection::read_body() {
    piece_.clear();
    while (mode_ != Mode::none && piece_.empty()) {
        if (position_ == buffer_.size() && TRY(fill()) == 0) {
            if (mode_ != Mode::until_close)
                return Error{Code::unavailable, ECONNRESET,
                             "read response: the daemon closed the connection"};
            mode_ = Mode::none;
            break;
        }
        const auto bytes = std::string_view(buffer_).substr(position_);
        if (mode_ == Mode::chunked) {
            position_ += TRY(chunks_.feed(bytes, piece_));
            if (chunks_.done()) mode_ = Mode::none;
            continue;
        }
        auto length = bytes.size();
        if (mode_ == Mode::length) {
            length = static_cast<std::size_t>(std::min<std::uint64_t>(left_, length));
            left_ -= length;
            if (left_ == 0) mode_ = Mode::none;
        }
        piece_.assign(bytes.substr(0, length));
        position_ += length;
    }
    return std::string_view(piece_);
}

RawStream Connection::hijack() && {
    RawStream stream{std::move(socket_), buffer_.substr(position_)};
    buffer_.clear();
    position_ = 0;
    return stream;
}

}  // namespace davit::sdk
