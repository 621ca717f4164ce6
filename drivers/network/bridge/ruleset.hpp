// SPDX-License-Identifier: Apache-2.0
// The packet rules of all networks of one engine: one table of family inet. Chains and rules are
// the same however many networks, containers and ports there are; what differs lies in sets and
// maps, so that each costs one lookup.
#pragma once

#include "sdk/netlink/nft_batch.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit::bridge {

// Sets and maps of the table.
inline constexpr const char* kBridges = "bridges";  // ifname: every bridge
inline constexpr const char* kIntra =
    "intra";  // ifname . ifname: from a bridge to itself, where allowed
inline constexpr const char* kInternal =
    "internal";  // ifname: bridges that nothing leaves or enters
inline constexpr const char* kOpen =
    "open";  // ifname: bridges reached from outside without publishing
inline constexpr const char* kSubnets4 = "subnets4";  // every subnet
inline constexpr const char* kSubnets6 = "subnets6";
inline constexpr const char* kMasquerade4 =
    "masquerade4";  // subnets that leave with the host's address
inline constexpr const char* kMasquerade6 = "masquerade6";
inline constexpr const char* kPorts4 = "ports4";  // protocol . port → address . port
inline constexpr const char* kPorts6 = "ports6";
inline constexpr const char* kPortsAt4 =
    "ports_at4";  // protocol . host address . port → address . port
inline constexpr const char* kPortsAt6 = "ports_at6";

const std::vector<sdk::NftSet>& all_sets();
const std::vector<sdk::NftChain>& all_chains();
std::vector<sdk::NftRule> all_rules(const std::string& table);

}  // namespace davit::bridge
