// SPDX-License-Identifier: Apache-2.0
// What a network was created with: from the host's request, to and from the file that survives the
// daemon. Value type.
#pragma once

#include "davit/network.h"
#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"
#include "sdk/netlink/link.hpp"

#include <string>
#include <string_view>

namespace davit::macvlan {

struct NetworkSettings {
    std::string key;
    std::string parent;         // link of the host; of an internal network the driver's own
    bool internal = false;      // the parent is the driver's own and leads nowhere
    bool makes_parent = false;  // it was not there: the driver makes it, and takes it away again
    sdk::MacvlanMode mode = sdk::MacvlanMode::bridge;
    unsigned mtu = 0;      // 0: the parent's
    sdk::Prefix gateway4;  // with the subnet's length: a router of the LAN, never this host
    sdk::Prefix gateway6;

    // Whether a request asks for what there is. Who made the parent is nobody's wish.
    bool asks_the_same(const NetworkSettings& other) const;
};

// `own_parent`: the name for the parent of an internal network. Errors: invalid; unsupported.
Result<NetworkSettings> settings_of(const davit_network_create& request,
                                    const std::string& own_parent);
std::string to_text(const NetworkSettings& settings);
Result<NetworkSettings> settings_from_text(std::string_view text);

}  // namespace davit::macvlan
