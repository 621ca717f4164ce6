// SPDX-License-Identifier: Apache-2.0
// Hostile contents (groups D, F, G and W of the corpus): devices and attributes, headers, bombs,
// deletions.
#include "tests/unit/core/unpack/layer_fixture.hpp"

#include <sys/sysmacros.h>
#include <unistd.h>

namespace davit::test {

using image::View;

constexpr unsigned kType = S_IFMT;

// ---- D: devices, attributes
// -------------------------------------------------------------------------------------

TEST_F(LayerTest, R_39_devices_and_fifos_are_made_as_they_are) {
    accept(
        Tar()
            .add({.name = "null", .type = '3', .mode = 0666, .device_major = 1, .device_minor = 3})
            .add({.name = "disk",
                  .type = '4',
                  .mode = 0660,
                  .gid = 6,
                  .device_major = 8,
                  .device_minor = 1})
            .add({.name = "fifo", .type = '6', .mode = 0600}));
    EXPECT_EQ(look("null").st_mode & kType, static_cast<unsigned>(S_IFCHR));
    EXPECT_EQ(look("null").st_rdev, makedev(1, 3));
    EXPECT_EQ(look("disk").st_rdev, makedev(8, 1));
    EXPECT_EQ(look("disk").st_gid, 6u);
    EXPECT_EQ(look("fifo").st_mode & kType, static_cast<unsigned>(S_IFIFO));
}
TEST_F(LayerTest, R_38_a_forged_whiteout_device_is_refused) {
    refuse(Tar().add({.name = "a", .type = '3'}), "forged deletion");
}
TEST_F(LayerTest, R_38_a_forged_whiteout_device_is_refused_in_a_bare_layer_too) {
    refuse(Tar().add({.name = "a", .type = '3'}), "forged deletion", View::bare);
}
TEST_F(LayerTest, R_38_a_block_device_0_0_is_no_whiteout) {
    accept(Tar().add({.name = "a", .type = '4'}));
    EXPECT_EQ(look("a").st_mode & kType, static_cast<unsigned>(S_IFBLK));
}
TEST_F(LayerTest, R_38_trusted_overlay_attributes_are_refused) {
    for (const char* name :
         {"opaque", "redirect", "metacopy", "origin", "whiteout", "overlay.opaque"})
        refuse(
            Tar().pax({{std::string("SCHILY.xattr.trusted.overlay.") + name, "y"}}).directory("d"),
            "overlay file system");
}
TEST_F(LayerTest, R_38_user_overlay_attributes_are_refused) {
    for (const char* name : {"opaque", "redirect", "metacopy"})
        refuse(Tar().pax({{std::string("SCHILY.xattr.user.overlay.") + name, "y"}}).directory("d"),
               "overlay file system");
}
TEST_F(LayerTest, R_38_the_root_cannot_carry_a_forged_attribute) {
    refuse(Tar().pax({{"SCHILY.xattr.trusted.overlay.redirect", "/etc"}}).directory("./"),
           "overlay file system");
}
TEST_F(LayerTest, R_38_a_whiteout_cannot_carry_a_forged_attribute) {
    refuse(Tar().pax({{"SCHILY.xattr.trusted.overlay.opaque", "y"}}).file(".wh.a"),
           "overlay file system");
}
TEST_F(LayerTest, R_39_other_attributes_of_the_host_are_left_out) {
    accept(Tar()
               .pax({{"SCHILY.xattr.trusted.note", "x"},
                     {"SCHILY.xattr.security.selinux", "x"},
                     {"SCHILY.xattr.system.posix_acl_access", "x"}})
               .file("a", "fine"));
    EXPECT_EQ(read("a"), "fine");
    EXPECT_EQ(xattr("a", "trusted.note"), "(none)");
    EXPECT_EQ(xattr("a", "security.selinux"), "(none)");
}
TEST_F(LayerTest, R_39_a_malformed_file_capability_is_an_error) {
    refuse(Tar().pax({{"SCHILY.xattr.security.capability", "nonsense"}}).file("a"),
           "set extended attribute security.capability");
}
TEST_F(LayerTest, R_39_a_file_capability_does_not_reach_a_file_outside) {
    refuse(Tar()
               .symlink("out", home_ + "/canary")
               .pax({{"SCHILY.xattr.user.note", "evil"}})
               .file("out/file", "evil"),
           "unpack /out/file");
}
TEST_F(LayerTest, R_40_too_many_attributes_are_refused) {
    std::vector<std::pair<std::string, std::string>> records;
    for (int i = 0; i < 300; ++i)
        records.push_back({"SCHILY.xattr.user.n" + std::to_string(i), "x"});
    refuse(Tar().pax(records).file("a"), "too many");
}

// ---- F: headers
// -------------------------------------------------------------------------------------------------

TEST_F(LayerTest, R_36_a_pax_path_is_checked_like_any_other) {
    refuse(Tar().pax({{"path", "../canary/file"}}).file("harmless"), "holds \"..\"");
}
TEST_F(LayerTest, R_36_a_pax_link_target_is_checked_like_any_other) {
    refuse(Tar().pax({{"linkpath", "../canary/file"}}).hard_link("a", "harmless"), "holds \"..\"");
}
TEST_F(LayerTest, R_36_a_gnu_long_name_is_checked_like_any_other) {
    refuse(Tar().gnu_long('L', "../canary/file").file("harmless"), "holds \"..\"");
}
TEST_F(LayerTest, R_36_a_gnu_long_target_is_checked_like_any_other) {
    refuse(Tar().gnu_long('K', "../canary/file").hard_link("a", "harmless"), "holds \"..\"");
}
TEST_F(LayerTest, R_36_a_pax_path_can_be_a_whiteout) {
    write("a", "lower");
    accept(Tar().pax({{"path", ".wh.a"}}).file("x", ""));
    EXPECT_FALSE(exists("a"));
}
TEST_F(LayerTest, R_36_a_pax_size_counts_not_the_headers) {
    TarEntry entry{.name = "a", .content = "0123456789"};
    entry.size_field = "00000000003";
    accept(Tar().pax({{"size", "10"}}).add(entry).file("b"));
    EXPECT_EQ(read("a"), "0123456789");
    EXPECT_TRUE(exists("b"));
}
TEST_F(LayerTest, R_36_a_negative_owner_is_refused) {
    refuse(Tar().pax({{"uid", "-5"}}).file("a"), "unpack ");
}
TEST_F(LayerTest, R_36_the_owner_that_means_unchanged_is_refused) {
    refuse(Tar().pax({{"uid", "4294967295"}}).file("a"), "out of range");
}
TEST_F(LayerTest, R_36_an_owner_over_32_bits_is_refused) {
    refuse(Tar().pax({{"gid", "4294967296"}}).file("a"), "out of range");
}
TEST_F(LayerTest, R_36_a_malformed_pax_header_is_refused) {
    for (const char* body : {"7 a=b", "x path=a\n", "99999 path=a\n", "-1 path=a\n", "3\n"})
        refuse(Tar().pax_raw(body).file("a"), "read archive");
}
TEST_F(LayerTest, R_36_a_global_pax_header_is_no_file) {
    accept(Tar().pax({{"comment", "0123"}}, 'g').file("a"));
    EXPECT_FALSE(exists("PaxHeaders"));
}
TEST_F(LayerTest, R_40_a_pax_header_of_many_megabytes_is_refused) {
    refuse(Tar().pax({{"comment", std::string(8 << 20, 'x')}}).file("a"), "read archive");
}
TEST_F(LayerTest, R_40_a_long_name_header_of_many_megabytes_is_refused) {
    refuse(Tar().gnu_long('L', std::string(8 << 20, 'x')).file("a"), "read");
}
TEST_F(LayerTest, R_40_a_negative_size_is_refused) {
    TarEntry entry{.name = "a"};
    entry.size_field = std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
    refuse(Tar().add(entry).file("b"), "");
}
TEST_F(LayerTest, R_40_a_size_of_eight_exbibytes_is_refused_before_anything_is_written) {
    TarEntry entry{.name = "a"};
    entry.size_field = std::string("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
    refuse(Tar().add(entry), "");
    EXPECT_TRUE(!exists("a") || look("a").st_blocks < 4096);
}
TEST_F(LayerTest, R_40_a_wrong_header_checksum_is_refused) {
    std::string tar = Tar().file("a").file("b").bytes();
    tar[1024] = 'X';
    const auto result = unpack(tar);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::corrupt);
}
TEST_F(LayerTest, R_40_an_archive_without_its_end_is_refused_inside_an_entry) {
    const std::string tar = Tar().file("a", std::string(2000, 'a')).unfinished();
    const auto result = unpack(gzip(tar.substr(0, 1500)));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::corrupt);
}
TEST_F(LayerTest, what_lies_behind_the_end_of_the_archive_is_hashed_and_ignored) {
    const std::string tar =
        Tar().file("a").bytes() + Tar().file("../evil").bytes() + std::string(100000, 'x');
    const auto result = unpack(gzip(tar));
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->diff_id, Digest::of(tar));
    EXPECT_FALSE(exists("evil"));
}
TEST_F(LayerTest, text_that_is_no_archive_is_refused) {
    for (const char* text : {"<html>not found</html>", "x", "\x1f\x8b", "\x28\xb5\x2f\xfd",
                             "\x1f\x8bnonsense nonsense"})
        EXPECT_FALSE(unpack(text)) << text;
}
TEST_F(LayerTest, R_64_a_gzip_stream_cut_at_every_64th_is_refused) {
    const std::string stream = gzip(Tar().file("a", std::string(3000, 'q')).file("b", "r").bytes());
    for (std::size_t i = 1; i < 64; ++i) {
        const auto result = unpack(stream.substr(0, stream.size() * i / 64));
        ASSERT_FALSE(result) << i;
        EXPECT_EQ(result.error().code, Code::corrupt) << i << ": " << result.error().what;
    }
}
TEST_F(LayerTest, R_64_a_zstd_stream_cut_at_every_64th_is_refused) {
    const std::string stream = zstd(Tar().file("a", std::string(3000, 'q')).file("b", "r").bytes());
    for (std::size_t i = 5; i < 64; ++i)
        EXPECT_FALSE(unpack(stream.substr(0, stream.size() * i / 64))) << i;
}
TEST_F(LayerTest, R_64_a_flipped_byte_of_a_gzip_stream_is_refused_or_changes_the_digest) {
    const std::string tar = Tar().file("a", "some content to hold").file("b", "more of it").bytes();
    const std::string stream = gzip(tar);
    for (std::size_t i = 0; i < 64; ++i) {
        std::string bad = stream;
        char& byte = bad[stream.size() * i / 64];
        byte = static_cast<char>(byte ^ 0x24);
        const auto result = unpack(bad);
        if (!result) continue;
        EXPECT_NE(result->blob, Digest::of(stream)) << i;
    }
}
TEST_F(LayerTest, R_40_a_wrong_gzip_checksum_is_refused) {
    std::string stream = gzip(Tar().file("a").bytes());
    stream[stream.size() - 6] = static_cast<char>(stream[stream.size() - 6] ^ 1);
    const auto result = unpack(stream);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().what, "inflate layer: wrong gzip checksum");
}
TEST_F(LayerTest, garbage_behind_a_gzip_stream_is_refused) {
    EXPECT_FALSE(unpack(gzip(Tar().file("a").bytes()) + "garbage garbage garbage"));
}

// ---- G: bombs
// ---------------------------------------------------------------------------------------------------

TEST_F(LayerTest, R_40_a_sparse_map_larger_than_its_file_is_refused) {
    std::string map = "2\n0\n512\n18446744073709551615\n18446744073709551615\n";
    map.resize(1536, '\0');
    refuse(Tar()
               .pax({{"GNU.sparse.major", "1"},
                     {"GNU.sparse.minor", "0"},
                     {"GNU.sparse.realsize", "9223372036854775807"}})
               .file("s", map),
           "");
}
TEST_F(LayerTest, R_40_a_sparse_map_of_endless_entries_is_refused) {
    std::string map = "4294967296\n";
    for (int i = 0; i < 50000; ++i) map += std::to_string(i * 1024) + "\n1\n";
    refuse(Tar()
               .pax({{"GNU.sparse.major", "1"},
                     {"GNU.sparse.minor", "0"},
                     {"GNU.sparse.realsize", "99999999"}})
               .file("s", map),
           "");
}
TEST_F(LayerTest, R_40_a_file_of_eight_exbibytes_of_hole_is_refused) {
    std::string map = "1\n0\n0\n";
    map.resize(512, '\0');
    refuse(Tar()
               .pax({{"GNU.sparse.major", "1"},
                     {"GNU.sparse.minor", "0"},
                     {"GNU.sparse.realsize", "9223372036854775807"}})
               .file("s", map),
           "unpack ");
}
TEST_F(LayerTest, a_layer_that_compresses_very_well_is_no_bomb) {
    const auto result = accept(Tar().file("zeros", std::string(64 << 20, '\0')));
    EXPECT_EQ(result.file_bytes, std::uint64_t{64} << 20);
}

// ---- W: deletions
// -----------------------------------------------------------------------------------------------

TEST_F(LayerTest, R_38_a_whiteout_deletes_what_lies_below) {
    write("a", "lower");
    write("d/deep/er", "lower");
    write("kept", "lower");
    accept(Tar().file(".wh.a", "").file(".wh.d", ""));
    EXPECT_FALSE(exists("a"));
    EXPECT_FALSE(exists("d"));
    EXPECT_TRUE(exists("kept"));
    EXPECT_FALSE(exists(".wh.a"));
}
TEST_F(LayerTest, R_38_a_whiteout_spares_what_its_own_layer_made_before_and_after) {
    write("d/lower", "x");
    accept(Tar().directory("d").file("d/new", "mine").file(".wh.d", "").file("d/later", "mine"));
    EXPECT_FALSE(exists("d/lower"));
    EXPECT_EQ(read("d/new"), "mine");
    EXPECT_EQ(read("d/later"), "mine");
}
TEST_F(LayerTest, R_38_an_opaque_directory_hides_what_lies_below_but_not_its_own) {
    write("d/lower", "x");
    write("d/sub/lower", "x");
    accept(Tar().directory("d").file("d/new").file("d/.wh..wh..opq", "").file("d/later"));
    EXPECT_FALSE(exists("d/lower"));
    EXPECT_FALSE(exists("d/sub"));
    EXPECT_TRUE(exists("d/new"));
    EXPECT_TRUE(exists("d/later"));
}
TEST_F(LayerTest, R_38_an_opaque_root_empties_the_layer) {
    write("a", "x");
    accept(Tar().file("new").file(".wh..wh..opq", ""));
    EXPECT_FALSE(exists("a"));
    EXPECT_TRUE(exists("new"));
}
TEST_F(LayerTest, R_38_a_bare_layer_gets_overlay_whiteouts) {
    accept(Tar().directory("d").file("d/.wh.gone", "").file(".wh.top", ""), View::bare);
    for (const char* name : {"d/gone", "top"}) {
        EXPECT_EQ(look(name).st_mode & kType, static_cast<unsigned>(S_IFCHR)) << name;
        EXPECT_EQ(look(name).st_rdev, 0u) << name;
    }
}
TEST_F(LayerTest, R_38_a_bare_layer_gets_opaque_marks_set_from_outside_the_jail) {
    accept(Tar().directory("d").file("d/.wh..wh..opq", "").file("d/new").directory("e"),
           View::bare);
    EXPECT_EQ(xattr("d", "trusted.overlay.opaque"), "y");
    EXPECT_EQ(xattr("e", "trusted.overlay.opaque"), "(none)");
    EXPECT_TRUE(exists("d/new"));
}
TEST_F(LayerTest, R_38_in_a_bare_layer_a_directory_made_anew_after_its_deletion_is_opaque) {
    accept(Tar().file(".wh.d", "").directory("d").file("d/new"), View::bare);
    EXPECT_EQ(xattr("d", "trusted.overlay.opaque"), "y");
    EXPECT_TRUE(exists("d/new"));
}
TEST_F(LayerTest, R_38_in_a_bare_layer_a_directory_deleted_after_it_was_made_is_opaque) {
    accept(Tar().directory("d").file("d/new").file(".wh.d", ""), View::bare);
    EXPECT_EQ(xattr("d", "trusted.overlay.opaque"), "y");
    EXPECT_TRUE(exists("d/new"));
}
TEST_F(LayerTest, R_38_in_a_bare_layer_a_file_made_here_survives_its_whiteout) {
    accept(Tar().file("a", "mine").file(".wh.a", "").file(".wh.b", "").file("b", "mine"),
           View::bare);
    EXPECT_EQ(read("a"), "mine");
    EXPECT_EQ(read("b"), "mine");
}
TEST_F(LayerTest, R_38_in_a_bare_layer_a_directory_over_a_file_hides_what_lies_below) {
    accept(Tar().file("x", "file").directory("x").file("x/new"), View::bare);
    EXPECT_EQ(xattr("x", "trusted.overlay.opaque"), "y");
}
TEST_F(LayerTest, R_38_an_opaque_root_of_a_bare_layer_asks_for_the_parent) {
    wants_parent(Tar().file(".wh..wh..opq", ""));
}
TEST_F(LayerTest, R_38_a_deletion_in_a_directory_that_a_bare_layer_lacks_asks_for_the_parent) {
    wants_parent(Tar().file("d/.wh.a", ""));
}
// The parser gives up in the middle of the stream: that the rest never came is our doing, not
// damage.
TEST_F(LayerTest, a_bare_layer_asks_for_the_parent_before_its_stream_has_ended) {
    const std::string stream = gzip(Tar().file("d/.wh.a", "").bytes());
    const auto result = unpack_stalled(stream.substr(0, stream.size() - 8), image::View::bare);
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_TRUE(result->needs_parent);
}
TEST_F(LayerTest, what_is_refused_before_the_stream_has_ended_is_told_with_its_reason) {
    const std::string stream = gzip(Tar().file(".wh..", "").bytes());
    const auto result = unpack_stalled(stream.substr(0, stream.size() - 8), image::View::merged);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().what.find("a whiteout of"), std::string::npos) << result.error().what;
}
TEST_F(LayerTest, R_38_a_whiteout_of_dot_is_refused) {
    refuse(Tar().file(".wh..", ""), "a whiteout of \".\"");
}
TEST_F(LayerTest, R_38_a_whiteout_of_dot_dot_is_refused) {
    refuse(Tar().file("d/.wh...", ""), "a whiteout of \"..\"");
}
TEST_F(LayerTest, R_38_a_whiteout_of_nothing_is_refused) {
    refuse(Tar().file(".wh.", ""), "a whiteout of \"\"");
}
TEST_F(LayerTest, R_38_a_whiteout_of_dots_is_an_ordinary_name) {
    write("...", "x");
    accept(Tar().file(".wh....", ""));
    EXPECT_FALSE(exists("..."));
}
TEST_F(LayerTest, R_38_a_whiteout_that_is_a_directory_is_refused) {
    refuse(Tar().directory(".wh.a"), "not a file");
}
TEST_F(LayerTest, R_38_a_whiteout_that_is_a_symbolic_link_is_refused) {
    refuse(Tar().symlink(".wh.a", "/etc"), "not a file");
}
TEST_F(LayerTest, R_38_a_whiteout_that_is_a_device_is_refused) {
    refuse(Tar().add({.name = ".wh.a", .type = '3', .device_major = 1, .device_minor = 3}),
           "not a file");
}
TEST_F(LayerTest, R_38_an_opaque_marker_that_is_no_file_is_refused) {
    refuse(Tar().directory("d").directory("d/.wh..wh..opq"), "opaque marker");
    refuse(Tar().directory("d").symlink("d/.wh..wh..opq", "/"), "opaque marker");
    refuse(Tar().directory("d").file("f").hard_link("d/.wh..wh..opq", "f"), "opaque marker");
}
TEST_F(LayerTest, R_38_whiteouts_that_are_hard_links_are_those_of_aufs) {
    write("a", "x");
    accept(Tar().file(".wh..wh.aufs", "").hard_link(".wh.a", ".wh..wh.aufs"));
    EXPECT_FALSE(exists("a"));
    EXPECT_FALSE(exists(".wh..wh.aufs"));
}
TEST_F(LayerTest, R_38_a_name_below_a_whiteout_is_refused) {
    refuse(Tar().file(".wh.d/a"), "below the whiteout");
}
TEST_F(LayerTest, R_38_a_whiteout_through_a_link_out_of_the_layer_deletes_nothing_outside) {
    accept(Tar().symlink("out", home_ + "/canary").file("out/.wh.file", ""));
}
TEST_F(LayerTest, R_38_an_opaque_marker_through_a_link_out_of_the_layer_deletes_nothing_outside) {
    accept(Tar().symlink("out", home_).file("out/.wh..wh..opq", ""));
}
TEST_F(LayerTest, R_38_a_whiteout_of_a_link_deletes_the_link) {
    ASSERT_EQ(::symlink(home_.c_str(), at("out").c_str()), 0);
    accept(Tar().file(".wh.out", ""));
    EXPECT_FALSE(exists("out"));
}
TEST_F(LayerTest, R_38_a_whiteout_of_a_directory_with_links_out_follows_none) {
    write("d/x", "x");
    ASSERT_EQ(::symlink(home_.c_str(), at("d/out").c_str()), 0);
    accept(Tar().file(".wh.d", ""));
    EXPECT_FALSE(exists("d"));
}
TEST_F(LayerTest, R_38_a_hard_link_to_a_deleted_file_is_an_error) {
    refuse(Tar().file(".wh.a", "").hard_link("b", "a"), "is deleted", View::bare);
}
TEST_F(LayerTest, R_38_a_whiteout_of_what_is_not_there_is_nothing) {
    accept(Tar().file(".wh.a", "").file("no/such/.wh.b", ""));
}

}  // namespace davit::test
