// SPDX-License-Identifier: Apache-2.0
// Pipes, socket pairs and packets that carry descriptors. No state; every function may be called
// from any thread. All descriptors that come out of here are close-on-exec.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace davit {

// What one packet may carry: the kernel's SCM_MAX_FD (unix(7)).
inline constexpr std::size_t kMaxPacketFds = 253;

struct Pipe {
    Fd read;
    Fd write;
};
// `flags` of pipe2(2) besides O_CLOEXEC; O_NONBLOCK then holds for both ends.
Result<Pipe> make_pipe(int flags = 0);

struct SocketPair {
    Fd ours;
    Fd theirs;
};
// Two connected unix sockets; `type` SOCK_STREAM or SOCK_SEQPACKET.
Result<SocketPair> make_socket_pair(int type);

// One packet with at most kMaxPacketFds descriptors, which stay the caller's. A peer that has gone
// is an error (EPIPE), never a signal.
Result<void> send_packet(int socket, std::span<const std::byte> bytes,
                         std::span<const int> fds = {});

struct Packet {
    std::size_t size = 0;  // 0: the peer has closed
    std::vector<Fd> fds;
};
// Waits as `socket` does. Errors: invalid when the packet is longer than `into` or lost descriptors
// on the way.
Result<Packet> receive_packet(int socket, std::span<std::byte> into);

}  // namespace davit
