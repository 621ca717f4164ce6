// SPDX-License-Identifier: Apache-2.0
// Where the containers of a sandbox ask for names: 127.0.0.11, port 53. The sockets have other
// ports, and packet rules in the sandbox lead to them, so that a container may serve port 53 of
// every address itself (seams rule 6). No state.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

namespace davit::network {

inline constexpr const char* kDnsAddress = "127.0.0.11";

struct DnsSockets {
    Fd udp, tcp;  // non-blocking; tcp listens
};

// In the network namespace behind `netns` (borrowed), in the place of what an engine before had
// there. The sockets keep the namespace alive.
Result<DnsSockets> open_dns_sockets(int netns);

}  // namespace davit::network
