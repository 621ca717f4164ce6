// SPDX-License-Identifier: Apache-2.0
// Trees in and out of archives, by the real davit-unpack in its jail.
#include "core/archive/archiver.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/mount.hpp"
#include "sdk/base/pipe.hpp"
#include "tests/support/tar.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace davit::archive {
namespace {

namespace fs = std::filesystem;

class ArchiverTest : public testing::Test {
protected:
    ArchiverTest() {
        char name[] = "/var/tmp/davit-archiver-XXXXXX";
        top_ = ::mkdtemp(name);
        fs::create_directory(top_ / "tree");
        fs::create_directory(top_ / "other");
        cancel_ = *Cancel::create();
    }
    ~ArchiverTest() override { fs::remove_all(top_); }

    static void write(const fs::path& path, std::string_view text) {
        std::ofstream(path, std::ios::binary) << text;
    }
    static std::string read(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    Place place(const char* name) const {
        Fd directory(::open((top_ / name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        return {.root = DetachedMount::clone(directory.get())->release()};
    }

    Result<std::string> pack(const PackRequest& request, std::vector<Attached> mounts = {}) {
        std::string bytes;
        Place from = place("tree");
        from.mounts = std::move(mounts);
        TRY(archiver_.pack(
            std::move(from), request, {},
            [&](std::string_view piece) {
                bytes += piece;
                return Result<void>();
            },
            cancel_));
        return bytes;
    }

    Result<void> extract(const std::string& archive, const ExtractRequest& request) {
        Pipe pipe = TRY(make_pipe());
        std::thread feeder([&, write = std::move(pipe.write)]() mutable {
            (void)write_all(write.get(), archive);
            write.reset();
        });
        auto done = archiver_.extract(place("other"), request, pipe.read.get(), cancel_);
        pipe.read.reset();
        feeder.join();
        return done;
    }

    // What tar(1) lists of it.
    std::string listed(const std::string& archive) const {
        write(top_ / "archive", archive);
        const std::string command = "LC_ALL=C tar -tf " + (top_ / "archive").string();
        FILE* list = ::popen(command.c_str(), "r");
        std::string text(65536, '\0');
        text.resize(std::fread(text.data(), 1, text.size(), list));
        EXPECT_EQ(::pclose(list), 0);
        return text;
    }

    fs::path top_;
    std::shared_ptr<Cancel> cancel_;
    Archiver archiver_{DAVIT_UNPACK_PROGRAM};
};

TEST_F(ArchiverTest, CopiesATreeAsItIs) {
    const fs::path tree = top_ / "tree", other = top_ / "other";
    fs::create_directory(tree / "dir");
    write(tree / "dir/file", "content");
    ASSERT_EQ(::chown((tree / "dir/file").c_str(), 1000, 2000), 0);
    ASSERT_EQ(::chmod((tree / "dir/file").c_str(), 04751), 0);
    ASSERT_EQ(::setxattr((tree / "dir/file").c_str(), "user.note", "xyz", 3, 0), 0);
    ASSERT_EQ(::setxattr((tree / "dir").c_str(), "user.dir", "d", 1, 0), 0);
    fs::create_hard_link(tree / "dir/file", tree / "dir/again");
    fs::create_symlink("../nowhere", tree / "dir/link");
    ASSERT_EQ(::mkfifo((tree / "fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mknod((tree / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
    write(tree / "sparse", "begin");
    fs::resize_file(tree / "sparse", 8 << 20);
    ASSERT_EQ(::chown(tree.c_str(), 42, 43), 0);
    ASSERT_EQ(::chmod(tree.c_str(), 01777), 0);

    const auto copied = archiver_.copy(place("tree"), "/", place("other"), cancel_);
    ASSERT_TRUE(copied) << copied.error().what;

    struct stat file {
    }, again{}, sparse{}, root{}, null{};
    ASSERT_EQ(::stat((other / "dir/file").c_str(), &file), 0);
    EXPECT_EQ(file.st_uid, 1000u);
    EXPECT_EQ(file.st_gid, 2000u);
    EXPECT_EQ(file.st_mode & 07777, 04751u);
    EXPECT_EQ(read(other / "dir/file"), "content");
    char value[8] = {};
    EXPECT_EQ(::getxattr((other / "dir/file").c_str(), "user.note", value, sizeof value), 3);
    EXPECT_EQ(::getxattr((other / "dir").c_str(), "user.dir", value, sizeof value), 1);
    ASSERT_EQ(::stat((other / "dir/again").c_str(), &again), 0);
    EXPECT_EQ(again.st_ino, file.st_ino);
    EXPECT_EQ(fs::read_symlink(other / "dir/link"), "../nowhere");
    EXPECT_TRUE(fs::is_fifo(other / "fifo"));
    ASSERT_EQ(::stat((other / "null").c_str(), &null), 0);
    EXPECT_EQ(null.st_rdev, makedev(1, 3));
    ASSERT_EQ(::stat((other / "sparse").c_str(), &sparse), 0);
    EXPECT_EQ(sparse.st_size, 8 << 20);
    EXPECT_LT(sparse.st_blocks * 512, 1 << 20);
    EXPECT_EQ(read(other / "sparse").substr(0, 5), "begin");
    ASSERT_EQ(::stat(other.c_str(), &root), 0);
    EXPECT_EQ(root.st_uid, 42u);
    EXPECT_EQ(root.st_mode & 07777, 01777u);
    struct stat before {};
    ASSERT_EQ(::stat((tree / "dir/file").c_str(), &before), 0);
    EXPECT_EQ(before.st_mtim.tv_nsec, file.st_mtim.tv_nsec);
}

TEST_F(ArchiverTest, NamesWhatIsPackedAsAsked) {
    fs::create_directories(top_ / "tree/etc/sub");
    write(top_ / "tree/etc/passwd", "x");
    write(top_ / "tree/etc/h\xc3\xa4\xff", "x");
    const auto directory = pack({.path = "/etc/", .shown = "conf"});
    ASSERT_TRUE(directory) << directory.error().what;
    EXPECT_EQ(listed(*directory), "conf/\nconf/h\\303\\244\\377\nconf/passwd\nconf/sub/\n");
    EXPECT_EQ(listed(*pack({.path = "/etc/passwd", .shown = "p"})), "p\n");
    const auto root = pack({});
    ASSERT_TRUE(root);
    EXPECT_NE(root->find("/etc/passwd"), std::string::npos);
}

TEST_F(ArchiverTest, PacksASelectionWithDeletions) {
    fs::create_directory(top_ / "tree/a");
    write(top_ / "tree/a/new", "x");
    write(top_ / "tree/a/old", "x");
    const auto packed =
        pack({.selection = {{{"a"}, {"a/new"}, {"a/gone", true}, {"vanished/meanwhile"}}}});
    ASSERT_TRUE(packed) << packed.error().what;
    EXPECT_EQ(listed(*packed), "a/\na/new\na/.wh.gone\n");
}

TEST_F(ArchiverTest, ShowsWhatIsMountedInTheRoot) {
    fs::create_directory(top_ / "tree/data");
    write(top_ / "other/inside", "x");
    std::vector<Attached> mounts;
    mounts.push_back({"/data", std::move(place("other").root)});
    mounts.push_back({"/made/for/it", std::move(place("other").root)});
    const auto packed = pack({.path = "/data", .shown = "data"}, std::move(mounts));
    ASSERT_TRUE(packed) << packed.error().what;
    EXPECT_EQ(listed(*packed), "data/\ndata/inside\n");
    EXPECT_TRUE(fs::is_directory(top_ / "tree/made/for/it"));
    EXPECT_FALSE(fs::exists("/made/for/it"));
}

// Rule R-41: every link, at the end or on the way, leads to a place inside.
TEST_F(ArchiverTest, LooksAtPathsInside) {
    fs::create_directory(top_ / "tree/etc");
    write(top_ / "tree/etc/hostname", "four");
    fs::create_symlink("/etc/hostname", top_ / "tree/link");
    fs::create_symlink("../../../../etc", top_ / "tree/up");
    fs::create_symlink("/nowhere/../deep", top_ / "tree/dangling");
    const auto look = [&](const char* path) {
        return archiver_.look(place("tree"), path, cancel_);
    };

    EXPECT_EQ(look("/etc/hostname")->size, 4u);
    EXPECT_TRUE(S_ISLNK(look("/link")->mode));
    EXPECT_EQ(look("/link")->target, "/etc/hostname");
    EXPECT_EQ(look("/up")->target, "/etc");
    EXPECT_EQ(look("/dangling")->target, "/deep");
    EXPECT_EQ(look("/up/hostname")->size, 4u);
    EXPECT_TRUE(S_ISDIR(look("/up/")->mode));
    EXPECT_TRUE(S_ISDIR(look("/")->mode));
    EXPECT_EQ(look("/none").error().code, Code::not_found);
    EXPECT_EQ(look("/up/../../../../../../bin").error().code, Code::not_found);
    EXPECT_EQ(look("/etc/hostname/").error().os_errno, ENOTDIR);
}

TEST_F(ArchiverTest, ExtractsBelowADirectory) {
    fs::create_directory(top_ / "other/real");
    fs::create_symlink("/real", top_ / "other/link");
    fs::create_symlink("/", top_ / "other/real/root");
    test::Tar tar;
    tar.directory("./").file("a", "1").file(".wh.a", "kept").hard_link("b", "a");
    tar.file("root/at-the-root", "2");
    const auto done = extract(tar.bytes(), {.path = "/link", .owner = Owner{7, 8}});
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(read(top_ / "other/real/a"), "1");
    EXPECT_EQ(read(top_ / "other/real/b"), "1");
    EXPECT_EQ(read(top_ / "other/real/.wh.a"), "kept");
    EXPECT_EQ(read(top_ / "other/at-the-root"), "2");  // the link was followed, and stays inside
    EXPECT_FALSE(fs::exists("/at-the-root"));
    struct stat status {};
    ASSERT_EQ(::stat((top_ / "other/real/a").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 7u);
    ASSERT_EQ(::stat((top_ / "other/real").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0u);  // "./" says nothing here
}

TEST_F(ArchiverTest, KeepsDirectoriesAndOthersApart) {
    fs::create_directory(top_ / "other/dir");
    write(top_ / "other/file", "x");
    const std::string on_directory = test::Tar().file("dir").bytes();
    const std::string on_file = test::Tar().directory("file/").bytes();
    const ExtractRequest careful{.path = "/", .keep_kinds = true};
    EXPECT_EQ(extract(on_directory, careful).error().what,
              "cannot overwrite directory \"/dir\" with non-directory \"dir\"");
    EXPECT_EQ(extract(on_file, careful).error().what,
              "cannot overwrite non-directory \"/file\" with directory \"file\"");
    EXPECT_TRUE(extract(on_directory, {.path = "/"}));
    EXPECT_TRUE(fs::is_regular_file(top_ / "other/dir"));
}

TEST_F(ArchiverTest, RefusesWhatLeadsOutAndWhatIsCut) {
    EXPECT_EQ(extract(test::Tar().file("../x").bytes(), {.path = "/"}).error().code, Code::invalid);
    EXPECT_FALSE(
        extract(std::string(test::Tar().file("a", std::string(3000, 'x')).bytes(), 0, 1024),
                {.path = "/"}));
    EXPECT_EQ(extract("", {.path = "/file"}).error().code, Code::not_found);
}

}  // namespace
}  // namespace davit::archive
