// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/pipe.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <cstring>

namespace davit {

Result<Pipe> make_pipe(int flags) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | flags) != 0) return os_error("create pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<SocketPair> make_socket_pair(int type) {
    int ends[2];
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0)
        return os_error("create socket pair");
    return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Result<void> send_packet(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
    if (fds.size() > kMaxPacketFds) return fail(Code::invalid, "send packet: too many descriptors");
    alignas(cmsghdr) char control[CMSG_SPACE(kMaxPacketFds * sizeof(int))];
    iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    }
    for (;;) {
        if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return {};
        if (errno != EINTR) return os_error("send packet");
    }
}

Result<Packet> receive_packet(int socket, std::span<std::byte> into) {
    alignas(cmsghdr) char control[CMSG_SPACE(kMaxPacketFds * sizeof(int))];
    iovec piece{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t count;
    do {
        count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return os_error("receive packet");
    Packet packet{static_cast<std::size_t>(count), {}};
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t size = header->cmsg_len - CMSG_LEN(0);
        for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
            int number;
            std::memcpy(&number, CMSG_DATA(header) + at, sizeof number);
            packet.fds.emplace_back(number);
        }
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return fail(Code::invalid, "receive packet: it is longer than expected");
    return packet;
}

}  // namespace davit
