// SPDX-License-Identifier: Apache-2.0
#include "core/container/user.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

namespace davit::container {
namespace {

// A root directory with a passwd and a group file of the test's.
class UserTest : public ::testing::Test {
protected:
    UserTest() {
        std::string pattern = ::testing::TempDir() + "davit-user-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
        std::filesystem::create_directory(path_ + "/etc");
        root_ = Fd(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        write("passwd",
              "root:x:0:0:root:/root:/bin/sh\n"
              "web:x:33:44:Web:/var/www:/bin/false\n"
              "1000:x:0:0:a trap:/root:/bin/sh\n");
        write("group", "root:x:0:\nweb:x:44:\nstaff:x:50:web,other\nlog:x:51:web\n");
    }
    ~UserTest() override { std::filesystem::remove_all(path_); }

    void write(const std::string& name, const std::string& text) {
        const Fd etc(::open((path_ + "/etc").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_TRUE(atomic_write(etc.get(), name, text, 0644));
    }
    Result<User> resolve(const std::string& spec, const std::vector<std::string>& groups = {}) {
        return resolve_user(root_.get(), spec, groups);
    }

    std::string path_;
    Fd root_;
};

TEST_F(UserTest, no_name_means_root) {
    const auto user = resolve("");
    ASSERT_TRUE(user) << user.error().what;
    EXPECT_EQ(user->uid, 0u);
    EXPECT_EQ(user->home, "/root");
}

TEST_F(UserTest, R_01_a_number_is_never_looked_up_as_a_name) {
    const auto user = resolve("1000");
    ASSERT_TRUE(user) << user.error().what;
    EXPECT_EQ(user->uid, 1000u);
    EXPECT_EQ(user->gid, 0u);
}

TEST_F(UserTest, R_01_what_is_not_wholly_a_number_is_no_number) {
    for (const char* spec : {"+1", " 1", "0x1", "1x", "1 ", "-1"})
        EXPECT_FALSE(resolve(spec)) << spec;
}

TEST_F(UserTest, R_01_numbers_beyond_the_range_are_refused) {
    for (const char* spec : {"2147483648", "4294967295", "4294967296", "99999999999999999999"})
        EXPECT_FALSE(resolve(spec)) << spec;
    EXPECT_TRUE(resolve("2147483647"));
}

TEST_F(UserTest, R_01_forms_of_user_and_group) {
    EXPECT_EQ(resolve("1:2")->gid, 2u);
    EXPECT_EQ(resolve("web:staff")->gid, 50u);
    EXPECT_EQ(resolve("web:")->gid, 44u);
    EXPECT_EQ(resolve(":50")->uid, 0u);
    EXPECT_EQ(resolve(":50")->gid, 50u);
}

TEST_F(UserTest, a_name_brings_its_primary_group_home_and_memberships) {
    const auto user = resolve("web");
    ASSERT_TRUE(user) << user.error().what;
    EXPECT_EQ(user->uid, 33u);
    EXPECT_EQ(user->home, "/var/www");
    EXPECT_EQ(user->groups, (std::vector<std::uint32_t>{44, 50, 51}));
}

TEST_F(UserTest, R_50_the_primary_group_is_always_among_the_supplementary_ones) {
    for (const char* spec : {"", "web", "7", "7:8", "web:log"}) {
        const auto user = resolve(spec, {"staff"});
        ASSERT_TRUE(user) << spec;
        EXPECT_NE(std::find(user->groups.begin(), user->groups.end(), user->gid),
                  user->groups.end())
            << spec;
    }
}

TEST_F(UserTest, unknown_names_are_named_in_the_error) {
    const auto user = resolve("nobody-here");
    ASSERT_FALSE(user);
    EXPECT_EQ(user.error().code, Code::invalid);
    EXPECT_NE(user.error().what.find("nobody-here"), std::string::npos);
    EXPECT_FALSE(resolve("web:no-such-group"));
    EXPECT_FALSE(resolve("web", {"no-such-group"}));
}

TEST_F(UserTest, an_image_without_user_databases_still_runs_numbers) {
    std::filesystem::remove_all(path_ + "/etc");
    EXPECT_TRUE(resolve("5:6"));
    EXPECT_TRUE(resolve(""));
    EXPECT_FALSE(resolve("web"));
}

TEST_F(UserTest, R_62_a_fifo_as_passwd_is_refused_without_waiting) {
    std::filesystem::remove(path_ + "/etc/passwd");
    ASSERT_EQ(::mkfifo((path_ + "/etc/passwd").c_str(), 0644), 0);
    const auto user = resolve("web");
    ASSERT_FALSE(user);
    EXPECT_EQ(user.error().code, Code::invalid);
}

TEST_F(UserTest, R_62_a_huge_passwd_is_refused_and_not_read) {
    ASSERT_EQ(::truncate((path_ + "/etc/passwd").c_str(), off_t{10} << 30), 0);
    EXPECT_FALSE(resolve("web"));
}

TEST_F(UserTest, R_62_a_passwd_that_leads_out_of_the_root_is_looked_up_inside) {
    std::filesystem::remove(path_ + "/etc/passwd");
    std::filesystem::create_symlink("../../../../../../etc/passwd", path_ + "/etc/passwd");
    EXPECT_FALSE(resolve("daemon"));  // the host has such a user; this root has not
}

}  // namespace
}  // namespace davit::container
