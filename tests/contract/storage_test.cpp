// SPDX-License-Identifier: Apache-2.0
// The storage contract on every storage driver of the tree, and on each form that overlay can mount
// in.
#include "sdk/contract/storage_contract.hpp"
#include "tests/contract/driver_file.hpp"

namespace {

using davit::sdk::contract::register_storage_contract;

[[maybe_unused]] const bool kRegistered = [] {
    const auto overlay = [] { return davit::tests::load_driver("overlay"); };
    register_storage_contract(
        {.name = "Overlay", .driver = overlay, .config = R"({"mount-api": "auto"})"});
    register_storage_contract(
        {.name = "OverlayThread", .driver = overlay, .config = R"({"mount-api": "thread"})"});
    const auto plain_dir = [] { return davit::tests::load_driver("storage-plain-dir"); };
    register_storage_contract({.name = "PlainDir", .driver = plain_dir});
    return true;
}();

}  // namespace
