// SPDX-License-Identifier: Apache-2.0
// The exec contract on every exec driver of the tree.
#include "sdk/contract/exec_contract.hpp"
#include "tests/contract/driver_file.hpp"

namespace {

[[maybe_unused]] const bool kRegistered = [] {
    davit::sdk::contract::register_exec_contract(
        {.name = "Native",
         .driver = [] { return davit::tests::load_driver("native"); },
         .executables = DAVIT_EXECUTABLES});
    return true;
}();

}  // namespace
