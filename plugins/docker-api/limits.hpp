// SPDX-License-Identifier: Apache-2.0
// Every limit on what a client may make this plugin hold, wait for or read, with its reason. Used
// by all its files.
#pragma once

#include <chrono>
#include <cstddef>

namespace davit::docker_api {

// A thread each. More would be a runaway client; 16 stay free so that root can still look and mend.
inline constexpr std::size_t kConnections = 4096;
inline constexpr std::size_t kConnectionsForRoot = 16;
// What drivers are promised (docs/driver-guide/abi.md: at least 1 MiB on every host thread).
// Reserved, not touched: an idle connection costs two pages of it.
inline constexpr std::size_t kThreadStack = 1024 * 1024;

// Filters ride in the query and may be long; nothing legitimate comes near.
inline constexpr std::size_t kRequestLine = 64 * 1024;
inline constexpr std::size_t kRequestHead = 128 * 1024;  // request line and headers together
inline constexpr std::size_t kHeaders = 512;
inline constexpr std::chrono::seconds kHeadDeadline{30};  // from a head's first byte to its last
inline constexpr std::chrono::seconds kHandshakeDeadline{15};  // TLS, before a head's first byte
inline constexpr std::chrono::minutes kIdleDeadline{5};   // a connection on which nothing is asked
inline constexpr std::chrono::seconds kBodyDeadline{60};  // between two reads of a JSON body

// The largest body that docker's own client sends is `container create` with a few KiB; swarm's
// secrets are 500 KiB.
inline constexpr std::size_t kJsonBody = 4 * 1024 * 1024;
// What is read and thrown away of a body nobody wanted, so that the connection may be kept.
inline constexpr std::size_t kDrainedBody = 256 * 1024;
// What is given to a refused client to read its answer before the connection is cut.
inline constexpr std::chrono::seconds kLingerDeadline{2};

inline constexpr std::size_t kReadBlock = 4 * 1024;     // a request of the docker CLI fits
inline constexpr std::size_t kStreamBlock = 32 * 1024;  // of a pump between a socket and a pipe

}  // namespace davit::docker_api
