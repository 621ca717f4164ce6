// SPDX-License-Identifier: Apache-2.0
// The definition of a network driver, as GoogleTest cases with real packets that run against any
// file which exports one. Used by tests/contract and by vendors, who link davit::contract_network.
// Needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN): every case plays in network namespaces of its own.
#pragma once

#include "davit/module.h"

#include <functional>
#include <string>
#include <vector>

namespace davit::sdk::contract {

// On the host that a case plays there is a link "lanlink0" with the address 192.0.2.1/24 and, at
// its other end, a peer of the LAN with 192.0.2.9/24.
struct NetworkSubject {
    std::string name;                             // of the test suite in reports: "bridge"
    std::function<const davit_driver*()> driver;  // loads the file; asked once, by the first case
    std::string config = "{}";                    // of every instance that a case opens
    std::string options = "{}";                   // of the networks of a case
    std::string other_options = "{}";             // of a second network beside the first
    bool publishes =
        true;          // offers published ports; a driver that does not refuses them (UNSUPPORTED)
    bool ipv6 = true;  // a driver without IPv6 refuses it (UNSUPPORTED)
    // Commands that break on the host what the driver made for the network "net-b", of
    // other_options; $LINK is the link that create_network told of. Each is run alone.
    std::vector<std::string> damages = {};
    bool reaches_host = true;  // host and containers reach each other by the network's gateway
};

// Makes one test "<name>NetworkContract.<promise>" of every case. Call before RUN_ALL_TESTS; the
// subject is kept to the end of the process.
void register_network_contract(NetworkSubject subject);

}  // namespace davit::sdk::contract
