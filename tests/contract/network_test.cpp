// SPDX-License-Identifier: Apache-2.0
// The network contract on every network driver of the tree.
#include "sdk/contract/network_contract.hpp"
#include "tests/contract/driver_file.hpp"

namespace {

using davit::sdk::contract::register_network_contract;

[[maybe_unused]] const bool kRegistered = [] {
    register_network_contract(
        {.name = "Bridge", .driver = [] { return davit::tests::load_driver("bridge"); }});
    register_network_contract({.name = "Macvlan",
                               .driver = [] { return davit::tests::load_driver("macvlan"); },
                               .options = R"({"parent": "lanlink0"})",
                               .other_options = "{}",
                               .publishes = false,
                               .reaches_host = false});
    return true;
}();

}  // namespace
