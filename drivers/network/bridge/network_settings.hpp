// SPDX-License-Identifier: Apache-2.0
// What a network was created with: from the host's request, to and from the file that survives the
// daemon. Value type.
#pragma once

#include "davit/network.h"
#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"

#include <string>
#include <string_view>

namespace davit::bridge {

struct NetworkSettings {
    std::string key;
    std::string link;      // the bridge
    sdk::Prefix gateway4;  // the bridge's address with the subnet's length; family 0: none
    sdk::Prefix gateway6;
    unsigned mtu = 0;         // 0: the kernel's
    bool is_default = false;  // the network that containers join when none is named
    bool internal = false;    // nothing leaves, nothing enters
    bool icc = true;          // its containers reach each other
    bool masquerade = true;   // what leaves carries the host's address
    bool unprotected =
        false;              // from outside its addresses can be reached directly, published or not
    bool isolated = false;  // the bridge has no address, so that the host is out of reach too
    bool inhibit4 = false;  // the bridge gets no IPv4 address: somebody else gives it one

    bool operator==(const NetworkSettings&) const = default;
};

// Errors: invalid.
Result<NetworkSettings> settings_of(const davit_network_create& request);
std::string to_text(const NetworkSettings& settings);
Result<NetworkSettings> settings_from_text(std::string_view text);

}  // namespace davit::bridge
