// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <set>
#include <thread>

namespace davit {
namespace {

// A directory that is removed by the function under test.
class FileTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_NE(::mkdtemp(path_.data()), nullptr);
        Result<Fd> opened = open_directory(path_, O_RDONLY);
        ASSERT_TRUE(opened);
        directory_ = std::move(*opened);
    }
    void TearDown() override {
        const Result<Fd> parent = open_directory("/tmp", O_RDONLY);
        EXPECT_TRUE(remove_tree(parent->get(), path_.substr(5)));
        EXPECT_NE(::access(path_.c_str(), F_OK), 0);
    }
    int directory() const { return directory_.get(); }

    std::string path_ = "/tmp/davit-file-XXXXXX";
    Fd directory_;
};

TEST_F(FileTest, open_beneath_follows_no_link_and_never_leaves) {
    ASSERT_TRUE(atomic_write(directory(), "file", "x"));
    ASSERT_EQ(::symlinkat("file", directory(), "link"), 0);
    EXPECT_TRUE(open_beneath(directory(), "file", O_RDONLY));
    for (const char* path : {"link", "../etc/passwd", "/etc/passwd", "a/../../x"})
        EXPECT_FALSE(open_beneath(directory(), path, O_RDONLY)) << path;
}

TEST_F(FileTest, open_in_root_takes_the_directory_for_the_root) {
    ASSERT_TRUE(make_directory(directory(), "etc"));
    ASSERT_TRUE(atomic_write(directory(), "passwd", "inside"));
    ASSERT_EQ(::symlinkat("/passwd", directory(), "etc/absolute"), 0);
    ASSERT_EQ(::symlinkat("../../../passwd", directory(), "etc/up"), 0);
    for (const char* path : {"etc/absolute", "etc/up", "/passwd", "../../passwd"}) {
        const Result<Fd> file = open_in_root(directory(), path, O_RDONLY);
        ASSERT_TRUE(file) << path;
        EXPECT_EQ(read_all(file->get(), 100).value_or(""), "inside") << path;
    }
}

TEST_F(FileTest, descriptors_are_never_inherited) {
    const Result<Fd> file = open_beneath(directory(), "new", O_RDWR | O_CREAT, 0640);
    ASSERT_TRUE(file);
    EXPECT_NE(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FileTest, make_directory_gives_the_mode_whatever_the_umask) {
    const mode_t before = ::umask(0077);
    EXPECT_TRUE(make_directory(directory(), "open", 0755));
    ::umask(before);
    struct stat status {};
    ASSERT_EQ(::fstatat(directory(), "open", &status, 0), 0);
    EXPECT_EQ(status.st_mode & 07777u, 0755u);
    EXPECT_TRUE(make_directory(directory(), "open", 0700)) << "one that is there is fine";
}

TEST_F(FileTest, reading_stops_at_the_limit) {
    ASSERT_TRUE(atomic_write(directory(), "file", std::string(1000, 'x')));
    EXPECT_EQ(read_file(directory(), "file", 1000).value_or("").size(), 1000u);
    const auto refused = read_file(directory(), "file", 999);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::invalid);
    EXPECT_EQ(read_file(directory(), "nobody", 1).error().code, Code::not_found);
}

TEST_F(FileTest, atomic_write_never_shows_a_part) {
    const std::string a(200'000, 'a'), b(200'000, 'b');
    ASSERT_TRUE(atomic_write(directory(), "file", a));
    std::thread writer([&] {
        for (int i = 0; i < 50; ++i)
            EXPECT_TRUE(atomic_write(directory(), "file", i % 2 == 0 ? b : a));
    });
    for (int i = 0; i < 50; ++i) {
        const std::string seen = read_file(directory(), "file", 1 << 20).value_or("");
        EXPECT_TRUE(seen == a || seen == b);
    }
    writer.join();
    EXPECT_EQ(list_names(directory()).value_or({}), std::vector<std::string>{"file"})
        << "nothing else is left";
}

TEST_F(FileTest, atomic_write_sets_the_mode_and_can_sync) {
    EXPECT_TRUE(atomic_write(directory(), "file", "x", 0644, Sync::yes));
    struct stat status {};
    ASSERT_EQ(::fstatat(directory(), "file", &status, 0), 0);
    EXPECT_EQ(status.st_mode & 07777u, 0644u);
}

TEST_F(FileTest, remove_tree_stops_when_told_and_goes_on_later) {
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(make_directory(directory(), "d" + std::to_string(i)));
    ASSERT_TRUE(make_directory(directory(), "tree"));
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(make_directory(directory(), "tree/" + std::to_string(i)));
    int asked = 0;
    const auto stopped = remove_tree(directory(), "tree", [&] { return ++asked > 10; });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Code::cancelled);
    EXPECT_TRUE(remove_tree(directory(), "tree"));
    EXPECT_TRUE(remove_tree(directory(), "tree")) << "an absent name is fine";
    EXPECT_EQ(list_names(directory()).value_or({}).size(), 20u);
}

TEST_F(FileTest, remove_tree_takes_the_link_and_not_its_target) {
    ASSERT_TRUE(make_directory(directory(), "keep"));
    ASSERT_TRUE(open_beneath(directory(), "keep/file", O_WRONLY | O_CREAT, 0600));
    ASSERT_EQ(::symlinkat("keep", directory(), "link"), 0);
    ASSERT_TRUE(remove_tree(directory(), "link"));
    EXPECT_TRUE(read_file(directory(), "keep/file", 10));
}

TEST_F(FileTest, visit_tree_sees_every_inode_of_a_tree_of_any_shape) {
    constexpr int kDepth = 200;  // beyond the directories that are kept open
    Fd here = std::move(open_beneath(directory(), ".", O_RDONLY | O_DIRECTORY)).value_or(Fd());
    for (int i = 0; i < kDepth; ++i) {
        ASSERT_TRUE(atomic_write(here.get(), "file", ""));
        ASSERT_TRUE(make_directory(here.get(), "a"));
        ASSERT_TRUE(make_directory(here.get(), "b"));
        here = std::move(open_beneath(here.get(), "b", O_RDONLY | O_DIRECTORY)).value_or(Fd());
    }
    std::set<ino_t> inodes;
    ASSERT_TRUE(visit_tree(directory(), [&](const struct stat& status) -> Result<void> {
        inodes.insert(status.st_ino);
        return {};
    }));
    EXPECT_EQ(inodes.size(), 1u + 3 * kDepth);
}

}  // namespace
}  // namespace davit
