// SPDX-License-Identifier: Apache-2.0
// Addresses as the ABI, the netlink library and people write them, one into the other. No state.
#pragma once

#include "core/network/endpoint.hpp"
#include "core/plugin/network.hpp"
#include "davit/network.h"
#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"

#include <string>
#include <vector>

namespace davit::network {

davit_address address_of(const sdk::Prefix& prefix);
sdk::Prefix prefix_of(const davit_address& address);

std::string mac_text(const plugin::MacAddress& mac);
// "02:42:ac:11:00:02". Errors: invalid, in docker's words; a multicast address is none.
Result<plugin::MacAddress> parse_mac(const std::string& text);

// The addresses of a stored endpoint with their prefix lengths, IPv4 first.
std::vector<sdk::Prefix> addresses_of(const Endpoint& endpoint);

}  // namespace davit::network
