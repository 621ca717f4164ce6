// SPDX-License-Identifier: Apache-2.0
// Ordinary layers: everything that real images hold comes out as it went in.
#include "tests/unit/core/unpack/layer_fixture.hpp"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace davit::test {

using image::View;

constexpr unsigned kPermissions = 07777;

TEST_F(LayerTest, an_ordinary_gzip_layer_comes_out_as_it_went_in) {
    const auto result = accept(
        Tar().directory("etc").file("etc/passwd", "root:x:0:0", 0600).symlink("lib", "usr/lib"));
    EXPECT_EQ(read("etc/passwd"), "root:x:0:0");
    EXPECT_EQ(look("etc/passwd").st_mode & kPermissions, 0600u);
    EXPECT_EQ(look("etc/passwd").st_mtim.tv_sec, 1000000000);
    EXPECT_EQ(look("etc").st_mtim.tv_sec, 1000000000);
    EXPECT_EQ(link("lib"), "usr/lib");
    EXPECT_EQ(result.entries, 3u);
    EXPECT_EQ(result.file_bytes, 10u);
}

TEST_F(LayerTest, zstd_and_plain_streams_are_known_by_their_first_bytes) {
    const std::string tar = Tar().file("a", "content").bytes();
    for (const std::string& stream : {zstd(tar), tar}) {
        const auto result = unpack(stream);
        ASSERT_TRUE(result) << result.error().what;
        EXPECT_EQ(result->diff_id, Digest::of(tar));
        EXPECT_EQ(result->blob, Digest::of(stream));
        EXPECT_EQ(result->blob_bytes, stream.size());
    }
}

TEST_F(LayerTest, several_gzip_members_and_zstd_frames_are_one_archive) {
    const std::string tar = Tar().file("a", std::string(5000, 'a')).file("b").bytes();
    for (const auto pack : {&gzip, &zstd}) {
        const auto result =
            unpack(pack(tar.substr(0, 700)) + pack(tar.substr(700, 1)) + pack(tar.substr(701)));
        ASSERT_TRUE(result) << result.error().what;
        EXPECT_EQ(result->diff_id, Digest::of(tar));
    }
}

TEST_F(LayerTest, an_empty_layer_is_a_layer) {
    accept(Tar());
    const auto nothing = unpack("");
    EXPECT_TRUE(nothing) << nothing.error().what;
}

TEST_F(LayerTest, owners_modes_and_times_are_kept) {
    accept(Tar()
               .directory("d", 02775)
               .add({.name = "d/setuid",
                     .content = "x",
                     .mode = 04755,
                     .uid = 1000,
                     .gid = 1001,
                     .mtime = 123456789})
               .add({.name = "d/root", .content = "x", .mode = 06711})
               .add({.name = "d/sub", .type = '5', .mode = 01777, .uid = 5, .gid = 6, .mtime = 42})
               .file("d/sub/later"));
    EXPECT_EQ(look("d").st_mode & kPermissions, 02775u);
    EXPECT_EQ(look("d/setuid").st_mode & kPermissions, 04755u);
    EXPECT_EQ(look("d/setuid").st_uid, 1000u);
    EXPECT_EQ(look("d/setuid").st_gid, 1001u);
    EXPECT_EQ(look("d/setuid").st_mtim.tv_sec, 123456789);
    EXPECT_EQ(look("d/root").st_mode & kPermissions, 06711u);
    EXPECT_EQ(look("d/sub").st_mode & kPermissions, 01777u);
    EXPECT_EQ(look("d/sub").st_uid, 5u);
    EXPECT_EQ(look("d/sub").st_mtim.tv_sec, 42);
    EXPECT_EQ(look("d").st_mtim.tv_sec, 1000000000);
}

TEST_F(LayerTest, what_is_made_in_a_set_group_directory_keeps_its_own_group) {
    accept(Tar()
               .add({.name = "d", .type = '5', .mode = 02755, .gid = 77})
               .file("d/f")
               .directory("d/s")
               .symlink("d/l", "x"));
    EXPECT_EQ(look("d").st_gid, 77u);
    for (const char* name : {"d/f", "d/s", "d/l"}) EXPECT_EQ(look(name).st_gid, 0u) << name;
    EXPECT_EQ(look("d/s").st_mode & kPermissions, 0755u);
}

TEST_F(LayerTest, a_sub_second_time_and_a_time_before_1970_are_kept) {
    accept(Tar()
               .pax({{"mtime", "1234567890.123456789"}})
               .file("a")
               .pax({{"mtime", "-1.5"}})
               .file("b"));
    EXPECT_EQ(look("a").st_mtim.tv_nsec, 123456789);
    EXPECT_LT(look("b").st_mtim.tv_sec, 0);
}

TEST_F(LayerTest, long_names_and_targets_come_by_pax_and_by_gnu) {
    const std::string name = std::string(120, 'n') + "/" + std::string(120, 'm'), target(300, 't');
    accept(Tar()
               .directory(std::string(120, 'n'))
               .pax({{"path", name}})
               .file("x", "pax")
               .gnu_long('K', target)
               .gnu_long('L', name + "2")
               .symlink("y", "z"));
    EXPECT_EQ(read(name), "pax");
    EXPECT_EQ(link(name + "2"), target);
}

TEST_F(LayerTest, large_owners_come_in_base_256_and_by_pax) {
    accept(Tar()
               .add({.name = "a", .uid = 4000000000, .gid = 3000000000})
               .pax({{"uid", "4294967294"}, {"gid", "70000"}})
               .file("b"));
    EXPECT_EQ(look("a").st_uid, 4000000000u);
    EXPECT_EQ(look("a").st_gid, 3000000000u);
    EXPECT_EQ(look("b").st_uid, 4294967294u);
    EXPECT_EQ(look("b").st_gid, 70000u);
}

TEST_F(LayerTest, a_gnu_sparse_file_has_its_holes_and_its_size) {
    const std::string map = "2\n0\n512\n1048576\n512\n";
    std::string body = map;
    body.resize(512, '\0');
    body += std::string(512, 'a') + std::string(512, 'b');
    accept(Tar()
               .pax({{"GNU.sparse.major", "1"},
                     {"GNU.sparse.minor", "0"},
                     {"GNU.sparse.name", "sparse"},
                     {"GNU.sparse.realsize", "2097152"}})
               .file("GNUSparseFile.0/sparse", body));
    EXPECT_EQ(look("sparse").st_size, 2097152);
    EXPECT_LT(look("sparse").st_blocks * 512, 1048576);
    const std::string content = read("sparse");
    EXPECT_EQ(content.substr(0, 512), std::string(512, 'a'));
    EXPECT_EQ(content.substr(1048576, 512), std::string(512, 'b'));
    EXPECT_EQ(content[4096], '\0');
}

TEST_F(LayerTest, user_attributes_and_file_capabilities_are_kept) {
    const std::string capability(
        "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
    accept(Tar()
               .pax({{"SCHILY.xattr.user.note", "hello"},
                     {"SCHILY.xattr.security.capability", capability}})
               .add({.name = "ping", .content = "x", .mode = 0755, .uid = 33})
               .pax({{"SCHILY.xattr.user.note", "on a directory"}})
               .directory("d"));
    EXPECT_EQ(xattr("ping", "user.note"), "hello");
    EXPECT_EQ(xattr("ping", "security.capability"), capability);
    EXPECT_EQ(xattr("d", "user.note"), "on a directory");
}

TEST_F(LayerTest, many_small_files_and_one_of_many_megabytes_are_complete) {
    Tar tar;
    for (int i = 0; i < 3000; ++i)
        tar.file("d/" + std::to_string(i % 300) + "/" + std::to_string(i), std::to_string(i));
    std::string big;
    for (int i = 0; i < 1500000; ++i) big += std::to_string(i);
    tar.file("big", big);
    const auto result = accept(tar);
    EXPECT_EQ(read("d/99/2799"), "2799");
    EXPECT_EQ(read("big"), big);
    EXPECT_EQ(result.entries, 3001u);
}

TEST_F(LayerTest, missing_parents_are_made_where_the_parent_is_visible) {
    accept(Tar().file("a/b/c"));
    EXPECT_EQ(look("a/b").st_mode & kPermissions, 0755u);
    EXPECT_EQ(look("a/b").st_uid, 0u);
}

TEST_F(LayerTest, a_lower_directory_keeps_owner_and_mode_when_the_archive_does_not_carry_it) {
    write("etc/passwd", "x");
    ASSERT_EQ(::chmod(at("etc").c_str(), 0700), 0);
    accept(Tar().file("etc/more"));
    EXPECT_EQ(look("etc").st_mode & kPermissions, 0700u);
}

TEST_F(LayerTest, a_bare_layer_without_its_directories_asks_for_its_parent) {
    wants_parent(Tar().file("etc/more"));
}

}  // namespace davit::test
