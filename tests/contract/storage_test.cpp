// SPDX-License-Identifier: Apache-2.0
// The storage contract on every storage driver of the tree: on each form that overlay can mount in,
// and on btrfs with and without quotas.
#include "sdk/contract/expectation.hpp"
#include "sdk/contract/storage_contract.hpp"
#include "tests/contract/driver_file.hpp"
#include "tests/support/loop_image.hpp"

#include <gtest/gtest.h>

namespace {

using davit::sdk::contract::register_storage_contract;
using davit::tests::ImageDirectory;

constexpr std::uint64_t kMegabyte = 1 << 20;

// One for all cases of the process; sparse.
std::string btrfs_directory() {
    static const davit::Result<ImageDirectory> disk =
        ImageDirectory::make({.type = "btrfs", .bytes = 1024 * kMegabyte});
    EXPECT_TRUE(davit::sdk::contract::succeeds(disk));
    return disk ? disk->path() : "";
}

// Mixed groups: data and metadata share what little there is.
davit::Result<void> mount_small_btrfs(const std::string& path) {
    return davit::tests::mount_image(
        {.type = "btrfs", .bytes = 24 * kMegabyte, .mkfs_options = {"--mixed"}}, path);
}

[[maybe_unused]] const bool kRegistered = [] {
    const auto overlay = [] { return davit::tests::load_driver("overlay"); };
    register_storage_contract(
        {.name = "Overlay", .driver = overlay, .config = R"({"mount-api": "auto"})"});
    register_storage_contract(
        {.name = "OverlayThread", .driver = overlay, .config = R"({"mount-api": "thread"})"});
    const auto btrfs = [] { return davit::tests::load_driver("btrfs"); };
    register_storage_contract({.name = "Btrfs",
                               .driver = btrfs,
                               .directory = btrfs_directory,
                               .mount_small_disk = mount_small_btrfs});
    register_storage_contract({.name = "BtrfsQuota",
                               .driver = btrfs,
                               .config = R"({"quota": "enable"})",
                               .directory = btrfs_directory,
                               .mount_small_disk = mount_small_btrfs});
    const auto plain_dir = [] { return davit::tests::load_driver("storage-plain-dir"); };
    register_storage_contract({.name = "PlainDir", .driver = plain_dir});
    return true;
}();

}  // namespace
