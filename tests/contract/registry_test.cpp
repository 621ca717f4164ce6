// SPDX-License-Identifier: Apache-2.0
// The registry contract on every registry driver of the tree, against Debian's docker-registry.
#include "tests/support/registry.hpp"
#include "sdk/contract/registry_contract.hpp"
#include "tests/contract/driver_file.hpp"

namespace {

[[maybe_unused]] const bool kRegistered = [] {
    davit::sdk::contract::register_registry_contract(
        {.name = "Oci",
         .driver = [] { return davit::tests::load_driver("oci"); },
         .registry =
             [] {
                 static const auto registry = davit::tests::Registry::start();
                 return registry ? registry->address() : std::string();
             }});
    return true;
}();

}  // namespace
