// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/mount_point.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace davit::sdk {
namespace {

namespace fs = std::filesystem;

class MountPointTest : public testing::Test {
protected:
    MountPointTest() {
        char name[] = "/tmp/davit-point-XXXXXX";
        outside_ = ::mkdtemp(name);
        fs::create_directory(root());
        fd_ = Fd(::open(root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    ~MountPointTest() override { fs::remove_all(outside_); }

    std::string root() const { return outside_ + "/root"; }
    std::string where(const Fd& fd) const {
        return fs::read_symlink("/proc/self/fd/" + std::to_string(fd.get()));
    }
    Result<Fd> make(const std::string& path, PointKind kind = PointKind::directory) {
        return make_mount_point(fd_.get(), path, kind);
    }

    std::string outside_;
    Fd fd_;
};

TEST_F(MountPointTest, missing_directories_are_made) {
    const auto point = make("/a/b/../c//./d");
    ASSERT_TRUE(point) << point.error().what;
    EXPECT_EQ(where(*point), root() + "/a/c/d");
}

TEST_F(MountPointTest, a_missing_file_is_made_empty) {
    const auto point = make("/etc/hosts", PointKind::file);
    ASSERT_TRUE(point) << point.error().what;
    EXPECT_EQ(fs::file_size(root() + "/etc/hosts"), 0u);
}

TEST_F(MountPointTest, an_existing_file_keeps_its_content) {
    std::ofstream(root() + "/file") << "text";
    ASSERT_TRUE(make("/file", PointKind::file));
    EXPECT_EQ(fs::file_size(root() + "/file"), 4u);
}

TEST_F(MountPointTest, absolute_links_start_at_the_root) {
    fs::create_symlink("/run", root() + "/var");
    const auto point = make("/var/lock");
    ASSERT_TRUE(point) << point.error().what;
    EXPECT_EQ(where(*point), root() + "/run/lock");
}

TEST_F(MountPointTest, no_link_leads_out_r12) {
    fs::create_symlink("../../../../../.." + outside_, root() + "/up");
    const auto point = make("/up/made");
    ASSERT_TRUE(point) << point.error().what;
    EXPECT_TRUE(where(*point).starts_with(root() + "/"));
    EXPECT_FALSE(fs::exists(outside_ + "/made"));
}

TEST_F(MountPointTest, a_dangling_last_link_makes_its_target_inside) {
    fs::create_symlink("/elsewhere/file", root() + "/file");
    const auto point = make("/file", PointKind::file);
    ASSERT_TRUE(point) << point.error().what;
    EXPECT_EQ(where(*point), root() + "/elsewhere/file");
}

TEST_F(MountPointTest, links_in_a_circle_are_an_error) {
    fs::create_symlink("/b", root() + "/a");
    fs::create_symlink("/a", root() + "/b");
    EXPECT_EQ(make("/a/x").error().os_errno, ELOOP);
}

TEST_F(MountPointTest, a_file_in_the_way_is_an_error) {
    std::ofstream(root() + "/file") << "text";
    EXPECT_FALSE(make("/file/below"));
    EXPECT_FALSE(make("/file"));
    fs::create_directory(root() + "/directory");
    EXPECT_FALSE(make("/directory", PointKind::file));
}

}  // namespace
}  // namespace davit::sdk
