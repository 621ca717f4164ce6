// SPDX-License-Identifier: Apache-2.0
// Connections that the kernel remembers (ctnetlink), in the network namespace of the socket. A
// datagram flow keeps the translation that it began with, so that a published UDP port that comes
// or goes would leave busy clients with the old answer. Used by network drivers. No state.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"
#include "sdk/netlink/nft_socket.hpp"

#include <cstdint>
#include <vector>

namespace davit::sdk {

// Which remembered flows are meant: any of the two matches.
struct FlowMatch {
    std::uint8_t protocol = 17;        // IPPROTO_UDP
    std::vector<std::uint16_t> ports;  // the first packet went to one of these ports
    std::vector<Prefix> answered_by;   // one of these addresses answers, whoever was asked
};
// Makes the kernel forget them: their next packet is looked at afresh. Returns how many they were.
Result<std::size_t> forget_flows(const NftSocket& socket, const FlowMatch& match);

}  // namespace davit::sdk
