// SPDX-License-Identifier: Apache-2.0
// What is btrfs's own, beyond the contract: subvolumes of containers, interrupted commits, quotas.
#include "drivers/storage/btrfs/btrfs_driver.hpp"
#include "drivers/storage/btrfs/quota.hpp"
#include "drivers/storage/btrfs/subvolume.hpp"
#include "sdk/base/file.hpp"
#include "sdk/contract/storage_bench.hpp"
#include "tests/support/loop_image.hpp"

#include <btrfsutil.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <algorithm>

namespace davit::btrfs {
namespace {

using sdk::contract::fails_as;
using sdk::contract::StorageBench;
using sdk::contract::StorageSubject;
using sdk::contract::succeeds;
using sdk::contract::write_file;

constexpr std::uint64_t kMegabyte = 1 << 20;

using Entry = sdk::DriverEntry<sdk::StorageDriver, BtrfsDriver>;
const davit_driver kDriver = {
    sizeof(davit_driver), 1, 1, 0, sdk::str("storage"), sdk::str("btrfs"), &Entry::open,
    &Entry::probe};

std::string directory() {
    static const auto disk =
        tests::ImageDirectory::make({.type = "btrfs", .bytes = 512 * kMegabyte});
    EXPECT_TRUE(succeeds(disk));
    return disk ? disk->path() : "";
}

const StorageSubject kPlain{"Btrfs", [] { return &kDriver; }, "{}", directory, {}};
const StorageSubject kQuota{
    "Btrfs", [] { return &kDriver; }, R"({"quota": "enable"})", directory, {}};

// The root of a mounted layer, opened for ioctl(2): the mount's own descriptor is for lookups
// alone.
Fd mounted_in(StorageBench& bench, const std::string& key) {
    const Fd root = std::move(bench.store().mount(key)).value_or(Fd());
    return std::move(open_beneath(root.get(), ".", O_RDONLY | O_DIRECTORY)).value_or(Fd());
}

class BtrfsDriverTest : public testing::Test {
protected:
    void SetUp() override { bench_.set_up(); }
    Fd opened(const std::string& path) const {
        return std::move(open_beneath(bench_.directory(), path, O_RDONLY | O_DIRECTORY))
            .value_or(Fd());
    }
    StorageBench bench_{kPlain};
};

TEST_F(BtrfsDriverTest, a_layer_is_a_subvolume_and_read_only_once_committed) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench_.store().prepare("web", "base")));
    EXPECT_TRUE(is_subvolume(opened("prepared/web/diff").get()));
    EXPECT_TRUE(is_read_only(opened("committed/base/diff").get()).value_or(false));
    EXPECT_FALSE(is_read_only(opened("prepared/web/diff").get()).value_or(true));
}

TEST_F(BtrfsDriverTest, a_layer_with_subvolumes_made_inside_is_removed) {
    ASSERT_TRUE(succeeds(bench_.store().prepare("web")));
    {
        const Fd root = mounted_in(bench_, "web");
        ASSERT_TRUE(succeeds(create_subvolume(root.get(), "inner")));
        const Fd inner = std::move(open_beneath(root.get(), "inner", O_RDONLY)).value_or(Fd());
        ASSERT_TRUE(succeeds(create_subvolume(inner.get(), "innermost")));
        write_file(root.get(), "inner/innermost/a", "1");
    }
    ASSERT_TRUE(succeeds(bench_.store().remove("web")));
    ASSERT_TRUE(succeeds(bench_.store().retain({})));
    EXPECT_TRUE(sdk::contract::names_in(bench_.directory(), "trash").empty());
}

TEST_F(BtrfsDriverTest, a_layer_whose_commit_never_happened_is_writable) {
    ASSERT_TRUE(succeeds(bench_.store().prepare("web")));
    ASSERT_TRUE(succeeds(set_read_only(opened("prepared/web/diff").get(), true)));
    ASSERT_TRUE(succeeds(bench_.reopen()));
    const auto root = bench_.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    write_file(root->get(), "a", "1");
}

TEST_F(BtrfsDriverTest, a_committed_layer_that_somebody_made_writable_is_damaged) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(set_read_only(opened("committed/base/diff").get(), false)));
    const auto findings = bench_.store().check("base");
    ASSERT_TRUE(succeeds(findings));
    ASSERT_EQ(findings->size(), 1u);
    EXPECT_NE(findings->front().text.find("writable"), std::string::npos);
}

TEST_F(BtrfsDriverTest, a_container_may_have_what_the_hosts_mount_forbids) {
    const std::string path = "/proc/self/fd/" + std::to_string(bench_.directory());
    ASSERT_EQ(::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr), 0);
    ASSERT_EQ(::mount(nullptr, directory().c_str(), nullptr,
                      MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr),
              0);
    ASSERT_TRUE(succeeds(bench_.store().prepare("web")));
    const auto root = bench_.store().mount("web");
    ASSERT_EQ(::mount(nullptr, directory().c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr), 0);
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(::mknodat(root->get(), "null", S_IFCHR | 0666, makedev(1, 3)), 0);
    EXPECT_TRUE(succeeds(open_beneath(root->get(), "null", O_RDWR)));
}

TEST_F(BtrfsDriverTest, usage_over_a_parent_is_what_was_written_since) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer(
        "base", "", {{"big", std::string(4 * kMegabyte, 'x')}, {"old", "1"}})));
    ASSERT_TRUE(succeeds(bench_.store().prepare("web", "base")));
    const auto untouched = bench_.store().usage("web");
    ASSERT_TRUE(succeeds(untouched));
    EXPECT_EQ(untouched->bytes, 0u);
    EXPECT_EQ(untouched->files, 1u);
    {
        const Fd root = std::move(bench_.store().mount("web")).value_or(Fd());
        write_file(root.get(), "new", std::string(kMegabyte, 'y'));
        write_file(root.get(), "old", "2");
    }
    const auto changed = bench_.store().usage("web");
    ASSERT_TRUE(succeeds(changed));
    EXPECT_EQ(changed->files, 3u);
    EXPECT_EQ(changed->bytes, kMegabyte + 512);
}

// --- quotas
// ----------------------------------------------------------------------------------------

class BtrfsQuotaTest : public testing::Test {
protected:
    void SetUp() override { bench_.set_up(); }
    Result<davit_storage_prepared> prepare(const std::string& key, std::uint64_t bytes) {
        auto request = sdk::sized<davit_storage_prepare>();
        request.key = sdk::str(key);
        request.parent = sdk::str("");
        request.limit_bytes = bytes;
        return sdk::Caller().ask(bench_.store().table().prepare, bench_.store().instance(),
                                 request);
    }
    Fd opened(const std::string& path) const {
        return std::move(open_beneath(bench_.directory(), path, O_RDONLY | O_DIRECTORY))
            .value_or(Fd());
    }
    bool has_limit(std::uint64_t subvolume) const {
        const auto limited = limited_subvolumes(bench_.directory()).value_or({});
        return std::find(limited.begin(), limited.end(), subvolume) != limited.end();
    }
    StorageBench bench_{kQuota};
};

// Until the disk is full, in steps of 64 KiB.
std::uint64_t fill(int directory, const std::string& name) {
    const std::string block(64 * 1024, 'x');
    const Fd file =
        std::move(open_beneath(directory, name, O_WRONLY | O_CREAT, 0600)).value_or(Fd());
    std::uint64_t written = 0;
    while (written < 64 * kMegabyte && write_all(file.get(), block)) written += block.size();
    return written;
}

TEST_F(BtrfsQuotaTest, a_subvolume_made_inside_a_layer_does_not_escape_its_limit) {
    ASSERT_TRUE(succeeds(prepare("web", 8 * kMegabyte)));
    const Fd root = mounted_in(bench_, "web");
    ASSERT_TRUE(succeeds(create_subvolume(root.get(), "inner")));
    const Fd inner = std::move(open_beneath(root.get(), "inner", O_RDONLY)).value_or(Fd());
    EXPECT_LT(fill(inner.get(), "big"), 8 * kMegabyte);
}

TEST_F(BtrfsQuotaTest, limits_of_layers_that_are_gone_are_taken_away) {
    ASSERT_TRUE(succeeds(prepare("web", 8 * kMegabyte)));
    const auto id = subvolume_id(opened("prepared/web/diff").get());
    ASSERT_TRUE(succeeds(id));
    ASSERT_TRUE(has_limit(*id));
    ASSERT_TRUE(succeeds(bench_.store().remove("web")));
    for (int attempt = 0; attempt < 100 && has_limit(*id); ++attempt) {
        ASSERT_EQ(btrfs_util_sync_fd(bench_.directory()), BTRFS_UTIL_OK);  // wakes the cleaner
        ASSERT_TRUE(succeeds(bench_.store().retain({})));
        ::usleep(50 * 1000);
    }
    EXPECT_FALSE(has_limit(*id));
}

TEST_F(BtrfsQuotaTest, a_limit_of_files_is_refused) {
    auto request = sdk::sized<davit_storage_prepare>();
    request.key = sdk::str("web");
    request.parent = sdk::str("");
    request.limit_files = 100;
    EXPECT_TRUE(fails_as(
        sdk::Caller().ask(bench_.store().table().prepare, bench_.store().instance(), request),
        Code::unsupported));
}

TEST(BtrfsProbe, another_file_system_is_refused_with_the_reason) {
    const Fd here = std::move(open_directory("/dev/shm", O_RDONLY)).value_or(Fd());
    auto request = sdk::sized<davit_open>();
    request.state_fd = here.get();
    sdk::Caller caller;
    caller.begin(nullptr);
    const auto answer = caller.finish(kDriver.probe(caller.raw(), &request));
    ASSERT_TRUE(fails_as(answer, Code::unsupported));
    EXPECT_NE(answer.error().what.find("btrfs"), std::string::npos);
}

}  // namespace
}  // namespace davit::btrfs
