// SPDX-License-Identifier: Apache-2.0
// What is overlay's own, beyond the contract: its state on disk after crashes and damage, its
// kernel's marks.
#include "drivers/storage/overlay/overlay_driver.hpp"
#include "sdk/base/file.hpp"
#include "sdk/contract/storage_bench.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

namespace davit::overlay {
namespace {

using sdk::contract::fails_as;
using sdk::contract::StorageBench;
using sdk::contract::StorageSubject;
using sdk::contract::succeeds;
using sdk::contract::write_file;

using Entry = sdk::DriverEntry<sdk::StorageDriver, OverlayDriver>;
const davit_driver kDriver = {
    sizeof(davit_driver), 1, 1, 0, sdk::str("storage"), sdk::str("overlay"), &Entry::open,
    &Entry::probe};
const StorageSubject kSubject{"Overlay", [] { return &kDriver; }, "{}"};

class OverlayDriverTest : public testing::Test {
protected:
    void SetUp() override { bench_.set_up(); }
    bool on_disk(const std::string& path) const {
        return sdk::contract::exists(bench_.directory(), path);
    }
    Result<void> close_and_open() {
        bench_.close();
        return bench_.reopen();
    }
    // Something that a killed process left behind.
    void leave(const std::string& path) {
        bench_.close();
        write_file(bench_.directory(), path, "x");
    }
    StorageBench bench_{kSubject};
};

TEST_F(OverlayDriverTest, a_layer_that_was_being_made_is_found_and_told) {
    leave("staging/7/diff/a");
    ASSERT_TRUE(succeeds(bench_.reopen()));
    const auto findings = bench_.store().retain({});
    ASSERT_TRUE(succeeds(findings));
    ASSERT_EQ(findings->size(), 1u);
    EXPECT_NE(findings->front().text.find("staging/7"), std::string::npos);
    EXPECT_FALSE(on_disk("staging/7"));
}

TEST_F(OverlayDriverTest, deleting_goes_on_at_the_next_start) {
    leave("trash/41/diff/a");
    ASSERT_TRUE(succeeds(bench_.reopen()));
    ASSERT_TRUE(succeeds(bench_.store().prepare("web")));
    ASSERT_TRUE(succeeds(bench_.store().remove("web")));  // takes a number that is free
    const auto findings = bench_.store().retain({});
    ASSERT_TRUE(succeeds(findings));
    EXPECT_EQ(findings->size(), 1u);
    EXPECT_FALSE(on_disk("trash/41"));
}

TEST_F(OverlayDriverTest, a_parent_named_by_a_commit_that_never_happened_does_not_count) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench_.store().prepare("new")));
    ASSERT_EQ(::symlinkat("base", bench_.directory(), "prepared/new/onto"), 0);
    ASSERT_TRUE(succeeds(close_and_open()));
    EXPECT_EQ(bench_.store().stat("new").value_or({}).parent, "");
    ASSERT_TRUE(succeeds(bench_.store().commit("new", "image")));
    ASSERT_TRUE(succeeds(close_and_open()));
    EXPECT_EQ(bench_.store().stat("image").value_or({}).parent, "");
}

TEST_F(OverlayDriverTest, a_damaged_prepared_layer_is_removed_by_repair) {
    ASSERT_TRUE(succeeds(bench_.store().prepare("web")));
    ASSERT_EQ(::unlinkat(bench_.directory(), "prepared/web/diff", AT_REMOVEDIR), 0);
    const auto seen = bench_.store().check("");
    ASSERT_TRUE(succeeds(seen));
    ASSERT_EQ(seen->size(), 1u);
    EXPECT_EQ(seen->front().key, "web");
    EXPECT_FALSE(seen->front().repaired);
    const auto mended = bench_.store().check("web", true);
    ASSERT_TRUE(succeeds(mended));
    EXPECT_TRUE(mended->front().repaired);
    EXPECT_TRUE(fails_as(bench_.store().stat("web"), Code::not_found));
}

TEST_F(OverlayDriverTest, a_damaged_committed_layer_is_corrupt) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {})));
    ASSERT_EQ(::unlinkat(bench_.directory(), "committed/base/diff", AT_REMOVEDIR), 0);
    EXPECT_TRUE(fails_as(bench_.store().check("base", true), Code::corrupt));
    EXPECT_TRUE(succeeds(bench_.store().stat("base")))
        << "nothing is thrown away that others may need";
}

TEST_F(OverlayDriverTest, a_layer_whose_parent_is_lost_is_corrupt) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench_.store().make_layer("upper", "base", {})));
    bench_.close();
    ASSERT_TRUE(succeeds(remove_tree(bench_.directory(), "committed/base")));
    ASSERT_TRUE(succeeds(bench_.reopen()));
    EXPECT_TRUE(fails_as(bench_.store().mount("upper"), Code::corrupt));
    const auto findings = bench_.store().check("");
    ASSERT_TRUE(succeeds(findings));
    EXPECT_NE(findings->front().text.find("parent base is missing"), std::string::npos);
}

TEST_F(OverlayDriverTest, state_of_a_later_version_is_refused) {
    bench_.close();
    ASSERT_TRUE(succeeds(atomic_write(bench_.directory(), "version", "2")));
    EXPECT_TRUE(fails_as(bench_.reopen(), Code::unsupported));
}

TEST_F(OverlayDriverTest, nobody_but_root_can_look_into_the_layers) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {})));
    for (const char* path : {"prepared", "committed", "staging", "trash", "committed/base"}) {
        struct stat status {};
        ASSERT_EQ(::fstatat(bench_.directory(), path, &status, 0), 0) << path;
        EXPECT_EQ(status.st_mode & 07777u, 0700u) << path;
    }
}

TEST_F(OverlayDriverTest, a_volatile_mount_is_marked_by_the_kernel_and_a_usual_one_is_not) {
    const char* mark = "prepared/web/work/work/incompat/volatile";
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench_.store().prepare("web", "base")));
    { ASSERT_TRUE(succeeds(bench_.store().mount("web", DAVIT_STORAGE_VOLATILE))); }
    EXPECT_TRUE(on_disk(mark));
    { ASSERT_TRUE(succeeds(bench_.store().mount("web"))); }
    EXPECT_FALSE(on_disk(mark));
}

TEST_F(OverlayDriverTest, a_committed_layer_keeps_no_work_directory) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench_.store().make_layer("upper", "base", {{"a", "1"}})));
    EXPECT_FALSE(on_disk("committed/upper/work"));
}

TEST_F(OverlayDriverTest, an_overlay_cannot_lie_on_an_overlay_and_says_so) {
    ASSERT_TRUE(succeeds(bench_.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench_.store().prepare("web", "base")));
    const auto root = bench_.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    const auto nested = bench_.open_second(root->get());
    ASSERT_TRUE(fails_as(nested, Code::unsupported));
    EXPECT_NE(nested.error().what.find("overlay"), std::string::npos);
}

TEST_F(OverlayDriverTest, a_file_that_cannot_be_deleted_is_told_and_does_not_keep_the_rest) {
    ASSERT_TRUE(succeeds(bench_.store().prepare("stuck")));
    write_file(bench_.store().mount("stuck").value_or(Fd()).get(), "dir/a", "1");
    const Fd mount_point =
        std::move(open_beneath(bench_.directory(), "prepared/stuck/diff/dir", O_PATH | O_DIRECTORY))
            .value_or(Fd());
    const std::string path = "/proc/self/fd/" + std::to_string(mount_point.get());
    ASSERT_EQ(::mount("none", path.c_str(), "tmpfs", 0, nullptr),
              0);  // somebody mounts below our feet
    ASSERT_TRUE(succeeds(bench_.store().prepare("web")));
    ASSERT_TRUE(succeeds(bench_.store().remove("web")));
    ASSERT_TRUE(succeeds(bench_.store().remove("stuck")));
    EXPECT_FALSE(bench_.store().retain({}));
    const auto left = sdk::contract::names_in(bench_.directory(), "trash");
    EXPECT_EQ(left.size(), 1u);
    ASSERT_EQ(::umount2(path.c_str(), MNT_DETACH), 0);
    ASSERT_TRUE(succeeds(close_and_open()));
    EXPECT_TRUE(succeeds(bench_.store().retain({})));
    EXPECT_TRUE(sdk::contract::names_in(bench_.directory(), "trash").empty());
}

TEST_F(OverlayDriverTest, probing_says_what_is_there_and_why_not) {
    std::map<std::string, std::string> found;
    auto request = sdk::sized<davit_open>();
    request.state_fd = bench_.directory();
    sdk::Caller caller;
    caller.begin(sdk::Caller::sink_of<davit_probed>([&](const davit_probed& probed) {
        found[sdk::text(probed.ability)] = probed.available != 0 ? "yes" : sdk::text(probed.reason);
    }));
    ASSERT_TRUE(succeeds(caller.finish(kDriver.probe(caller.raw(), &request))));
    EXPECT_EQ(found[DAVIT_STORAGE_REBASE], "yes");
    EXPECT_EQ(found[DAVIT_STORAGE_QUOTA].substr(0, 3), "no:");
}

TEST_F(OverlayDriverTest, a_configuration_that_is_not_known_is_refused) {
    const StorageSubject wrong{"Overlay", [] { return &kDriver; }, R"({"mount-api": "magic"})"};
    EXPECT_TRUE(fails_as(sdk::contract::Store::open(wrong, bench_.directory()), Code::invalid));
}

}  // namespace
}  // namespace davit::overlay
