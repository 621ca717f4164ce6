// SPDX-License-Identifier: Apache-2.0
// Layers made again from the files that were unpacked, byte for byte.
#include "core/image/layer_archive.hpp"
#include "core/unpack/tar_log.hpp"
#include "sdk/base/file.hpp"
#include "tests/unit/core/image/pull_fixture.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <filesystem>

namespace davit::test {
namespace {

class LayerArchiveTest : public PullTest {
protected:
    // Pulls an image of this one layer and makes the layer again.
    Result<std::string> made_again(const Tar& tar, Packing packing = Packing::gzip) {
        const TestImage made = make_image({{tar, packing}});
        offer(made);
        (void)store_->remove("app", {});  // of an earlier call
        TRY(pull());
        const Digest diff_id = TRY(Digest::parse(made.diff_ids.front()));
        const auto archive = TRY(store_->layer_archive(diff_id.text(), diff_id));
        std::string bytes;
        TRY(archive.write(diff_id, [&](std::string_view piece) -> Result<void> {
            bytes += piece;
            return {};
        }));
        EXPECT_EQ(archive.bytes(), bytes.size());
        return bytes;
    }
    void expect_same(const Tar& tar, Packing packing = Packing::gzip) {
        const auto again = made_again(tar, packing);
        ASSERT_TRUE(again) << again.error().what;
        EXPECT_EQ(*again == tar.bytes(), true);
    }
};

TEST_F(LayerArchiveTest, an_ordinary_layer_comes_out_as_it_came_in) {
    expect_same(Tar()
                    .directory("etc")
                    .file("etc/one", std::string(100000, 'a'))
                    .file("./etc/two", "b", 04755)
                    .file("empty", "")
                    .symlink("link", "/etc/one")
                    .hard_link("hard", "etc/one"));
}

TEST_F(LayerArchiveTest, whatever_packs_it) {
    expect_same(Tar().file("a", "x"), Packing::zstd);
    expect_same(Tar().file("b", "y"), Packing::plain);
}

TEST_F(LayerArchiveTest, long_names_of_both_kinds) {
    const std::string name(150, 'n');
    expect_same(Tar().pax({{"path", name}}).file("short", "content"));
    expect_same(Tar().gnu_long('L', name + "g").file("short", "content"));
}

TEST_F(LayerArchiveTest, sizes_of_pax) {
    Tar tar;
    tar.pax({{"size", "3"}, {"mtime", "1.5"}});
    tar.add({.name = "sized", .content = "abc", .size_field = "00000000003"});
    expect_same(tar.file("next", "d"));
}

TEST_F(LayerArchiveTest, what_is_not_understood_is_kept_as_it_is) {
    Tar sparse;
    sparse.pax({{"GNU.sparse.major", "1"},
                {"GNU.sparse.minor", "0"},
                {"GNU.sparse.name", "holes"},
                {"GNU.sparse.realsize", "1000"}});
    std::string map = "1\n996\n4\n";
    map.resize(512, '\0');
    expect_same(sparse.file("GNUSparseFile.0/holes", map + "data").file("after", "x"));
}

TEST_F(LayerArchiveTest, bytes_behind_the_end_belong_to_it) {
    Tar tar;
    tar.file("a", "x").raw(std::string(10240, '\0')).raw("and more");
    expect_same(tar);
}

TEST_F(LayerArchiveTest, a_name_that_comes_twice_is_refused_and_says_why) {
    const auto again = made_again(Tar().file("a", "first").file("a", "second"));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::not_found);
    EXPECT_NE(again.error().what.find("names a file twice"), std::string::npos);
}

TEST_F(LayerArchiveTest, a_log_goes_with_the_last_layer_of_its_content) {
    ASSERT_TRUE(made_again(Tar().file("a", "x")));
    ASSERT_EQ(store_->logs().list().take().size(), 1u);
    ASSERT_TRUE(store_->remove("app", {}));
    EXPECT_TRUE(store_->logs().list().take().empty());
}

// --- without an unpacker: the files are what the test makes of them

class TarLogTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/var/tmp/davit-log-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        home_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(home_); }

    Fd log_of(std::string_view bytes, std::size_t piece) {
        Fd log(::open(home_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        auto writer = unpack::TarLog::create(log.get()).take();
        for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
            EXPECT_TRUE(writer.add(bytes.substr(0, piece)));
        EXPECT_TRUE(writer.finish());
        return log;
    }
    Result<std::string> rebuild(const std::string& bytes, std::size_t piece) {
        const auto archive =
            TRY(image::LayerArchive::open(log_of(bytes, piece), TRY(open_directory(home_))));
        std::string again;
        TRY(archive.write(Digest::of(bytes), [&](std::string_view part) -> Result<void> {
            again += part;
            return {};
        }));
        return again;
    }
    void put(const std::string& name, const std::string& content) {
        const Fd root = open_directory(home_).take();
        ASSERT_TRUE(atomic_write(root.get(), name, content));
    }
    std::string home_;
};

TEST_F(TarLogTest, pieces_of_any_size_give_the_same) {
    put("a", "0123456789");
    const std::string bytes = Tar().file("a", "0123456789").symlink("l", "a").bytes();
    for (const std::size_t piece : {1, 7, 511, 512, 513, 100000})
        EXPECT_EQ(rebuild(bytes, piece).value_or("(failed)") == bytes, true) << piece;
}

TEST_F(TarLogTest, an_archive_cut_off_in_the_middle_of_a_header_is_kept) {
    const std::string bytes = Tar().symlink("l", "a").bytes().substr(0, 300);
    EXPECT_EQ(rebuild(bytes, 64).value_or("(failed)") == bytes, true);
}

TEST_F(TarLogTest, a_file_that_was_changed_since_is_corrupt) {
    put("a", "9876543210");
    const auto again = rebuild(Tar().file("a", "0123456789").bytes(), 4096);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::corrupt);
}

TEST_F(TarLogTest, a_file_that_became_a_link_is_not_followed) {
    ASSERT_EQ(::symlink("/etc/hostname", (home_ + "/a").c_str()), 0);
    EXPECT_FALSE(rebuild(Tar().file("a", "0123456789").bytes(), 4096));
}

TEST_F(TarLogTest, a_damaged_log_is_corrupt) {
    put("a", "0123456789");
    Fd log = log_of(Tar().file("a", "0123456789").bytes(), 4096);
    ASSERT_EQ(::pwrite(log.get(), "xxxx", 4, 0), 4);
    const auto opened = image::LayerArchive::open(std::move(log), open_directory(home_).take());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::corrupt);
}

}  // namespace
}  // namespace davit::test
