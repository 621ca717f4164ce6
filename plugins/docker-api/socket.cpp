// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/socket.hpp"

#include "plugins/docker-api/limits.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <algorithm>
#include <array>
#include <cassert>

namespace davit::docker_api {

namespace {

int milliseconds_until(Socket::Deadline deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

}  // namespace

Result<Socket> Socket::own(Fd fd, int stop_fd) {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0)
        return os_error("set up connection");
    return Socket(std::move(fd), stop_fd);
}

Result<void> Socket::wait(short events, Deadline deadline) {
    const int interrupt = events == POLLIN ? interrupt_fd_ : -1;
    std::array<pollfd, 3> set{
        {{fd_.get(), events, 0}, {stop_fd_, POLLIN, 0}, {interrupt, POLLIN, 0}}};
    for (;;) {
        const int ready = ::poll(set.data(), set.size(), milliseconds_until(deadline));
        if (ready < 0 && errno != EINTR) return os_error("wait for client");
        if (ready == 0) return fail(Code::deadline, "wait for client: time is up");
        if (ready > 0 && set[1].revents != 0)
            return fail(Code::cancelled, "wait for client: the service stops");
        if (ready > 0 && set[2].revents != 0)
            return fail(Code::cancelled, "wait for client: nobody wants the rest");
        if (ready > 0) return {};
    }
}

bool Socket::stopping() const {
    pollfd stop{stop_fd_, POLLIN, 0};
    return ::poll(&stop, 1, 0) > 0;
}

Result<void> Socket::wait_readable(Deadline deadline) { return wait(POLLIN, deadline); }

Result<std::size_t> Socket::read(char* into, std::size_t size, Deadline deadline) {
    for (;;) {
        const ssize_t count = ::recv(fd_.get(), into, size, 0);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno == EAGAIN) {
            TRY(wait(POLLIN, deadline));
        } else if (errno != EINTR) {
            return os_error("read from client");
        }
    }
}

Result<void> Socket::write(std::initializer_list<std::string_view> parts) {
    std::array<iovec, 4> vectors{};
    assert(parts.size() <= vectors.size());
    std::size_t count = 0;
    for (const std::string_view part : parts)
        if (!part.empty()) vectors[count++] = {const_cast<char*>(part.data()), part.size()};
    for (std::size_t first = 0; first < count;) {
        msghdr message{};
        message.msg_iov = &vectors[first];
        message.msg_iovlen = count - first;
        ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            TRY(wait(POLLOUT, {}));
            continue;
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return os_error("write to client");
        for (; first < count && static_cast<std::size_t>(sent) >= vectors[first].iov_len; ++first)
            sent -= static_cast<ssize_t>(vectors[first].iov_len);
        if (first == count) break;
        vectors[first].iov_base = static_cast<char*>(vectors[first].iov_base) + sent;
        vectors[first].iov_len -= static_cast<std::size_t>(sent);
    }
    return {};
}

// Closing a socket with unread data resets it, and the client may lose the answer it has not read
// yet.
void Socket::linger() {
    ::shutdown(fd_.get(), SHUT_WR);
    const Deadline deadline = std::chrono::steady_clock::now() + kLingerDeadline;
    std::array<char, kReadBlock> waste;
    for (;;) {
        const auto count = read(waste.data(), waste.size(), deadline);
        if (!count || *count == 0 || std::chrono::steady_clock::now() >= *deadline) return;
    }
}

std::uint32_t Socket::peer_user(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || size != sizeof peer)
        return UINT32_MAX;
    return peer.uid;  // (uid_t)-1 for other than unix sockets
}

}  // namespace davit::docker_api
