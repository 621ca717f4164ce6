// SPDX-License-Identifier: Apache-2.0
#include "sdk/monitor/control.hpp"

#include "sdk/base/pipe.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <algorithm>
#include <cstdio>
#include <cstring>

namespace davit::sdk {

namespace {

// Through the descriptor: sun_path holds 108 bytes, the way to a state directory may be longer.
sockaddr_un address_in(int directory) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory,
                  kControlName);
    return address;
}

Result<Fd> make_socket() {
    Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) return os_error("create control socket");
    return socket;
}

Error gone() { return fail(Code::unavailable, "ask launcher: it has ended"); }

}  // namespace

ControlReply reply_of(const Error& error) {
    ControlReply reply;
    reply.code = static_cast<std::int32_t>(error.code);
    reply.os_errno = error.os_errno;
    const std::size_t length = std::min(error.what.size(), kMaxErrorText - 1);
    std::memcpy(reply.text, error.what.data(), length);
    return reply;
}

Result<Fd> listen_control(int state_directory) {
    constexpr int kBacklog = 128;
    Fd socket = TRY(make_socket());
    const sockaddr_un address = address_in(state_directory);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return os_error("bind control socket");
    if (::listen(socket.get(), kBacklog) != 0) return os_error("listen on control socket");
    return socket;
}

Result<Fd> connect_control(int state_directory) {
    Fd socket = TRY(make_socket());
    const sockaddr_un address = address_in(state_directory);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return socket;
    if (errno == ECONNREFUSED || errno == ENOENT) return gone();
    return os_error("connect to launcher");
}

Result<void> send_request(int connection, const ControlRequest& request) {
    auto sent = send_packet(connection, std::as_bytes(std::span(&request, 1)));
    if (!sent && (sent.error().os_errno == EPIPE || sent.error().os_errno == ECONNRESET))
        return gone();
    return sent;
}

Result<void> send_reply(int connection, const ControlReply& reply, const std::vector<int>& fds) {
    return send_packet(connection, std::as_bytes(std::span(&reply, 1)), fds);
}

Result<Answer> receive_answer(int connection) {
    Answer answer;
    auto packet = receive_packet(connection, std::as_writable_bytes(std::span(&answer.reply, 1)));
    if (!packet && packet.error().os_errno == ECONNRESET) return gone();
    if (!packet) return std::move(packet).error();
    if (packet->size == 0) return gone();
    if (packet->size != sizeof answer.reply || answer.reply.version != kControlVersion)
        return fail(Code::unsupported, "ask launcher: it speaks another version");
    answer.reply.text[kMaxErrorText - 1] = '\0';
    if (answer.reply.code != 0)
        return Error{static_cast<Code>(answer.reply.code), answer.reply.os_errno,
                     answer.reply.text};
    answer.fds = std::move(packet->fds);
    return answer;
}

Result<Answer> ask(int connection, const ControlRequest& request) {
    TRY(send_request(connection, request));
    return receive_answer(connection);
}

}  // namespace davit::sdk
