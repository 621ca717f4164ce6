// SPDX-License-Identifier: Apache-2.0
// The network contract on every network driver of the tree.
#include "sdk/contract/network_contract.hpp"
#include "tests/contract/driver_file.hpp"

namespace {

using davit::sdk::contract::register_network_contract;

[[maybe_unused]] const bool kRegistered = [] {
    register_network_contract(
        {.name = "Bridge",
         .driver = [] { return davit::tests::load_driver("bridge"); },
         .damages = {"ip link set $LINK down", "ip addr flush dev $LINK", "ip link del $LINK",
                     "nft delete table inet davit-c0ffee01"}});
    register_network_contract({.name = "Macvlan",
                               .driver = [] { return davit::tests::load_driver("macvlan"); },
                               .options = R"({"parent": "lanlink0"})",
                               .other_options = "{}",
                               .publishes = false,
                               .damages = {"ip link set $LINK down", "ip link del $LINK"},
                               .reaches_host = false});
    register_network_contract(
        {.name = "Ptp",
         .driver = [] { return davit::tests::load_driver("network-ptp"); },
         .publishes = false,
         .ipv6 = false,
         .damages = {"ip rule del pref 100", "ip route flush table all type unreachable"}});
    return true;
}();

}  // namespace
