// SPDX-License-Identifier: Apache-2.0
// Hostile names and links (groups A, B, C and E of the corpus). Each must stay inside the layer;
// the fixture's canary tells. Beside each family an ordinary layer that must go on working.
#include "tests/unit/core/unpack/layer_fixture.hpp"

#include <unistd.h>

namespace davit::test {

using image::View;

// ---- A: absolute and dot-dot names
// -----------------------------------------------------------------------------

TEST_F(LayerTest, R_35_ordinary_names_with_dots_and_slashes_are_cleaned) {
    accept(
        Tar().file("./a").file("/b").file("c//d//e").file("./f/./g").file("..h").file("i..").file(
            "...j"));
    for (const char* name : {"a", "b", "c/d/e", "f/g", "..h", "i..", "...j"})
        EXPECT_TRUE(exists(name)) << name;
}
TEST_F(LayerTest, R_35_dot_dot_first_is_refused) {
    refuse(Tar().file("../canary/file"), "holds \"..\"");
}
TEST_F(LayerTest, R_35_dot_dot_inside_is_refused) {
    refuse(Tar().file("a/../../canary/file"), "holds \"..\"");
}
TEST_F(LayerTest, R_35_dot_dot_last_is_refused) { refuse(Tar().directory("a/.."), "holds \"..\""); }
TEST_F(LayerTest, R_35_dot_dot_that_stays_inside_is_refused_too) {
    refuse(Tar().file("a/../b"), "holds \"..\"");
}
TEST_F(LayerTest, R_35_dot_dot_alone_is_refused) { refuse(Tar().directory(".."), "holds \"..\""); }
TEST_F(LayerTest, R_35_dot_dot_after_a_slash_is_refused) {
    refuse(Tar().file("/../etc/passwd"), "holds \"..\"");
}
TEST_F(LayerTest, R_35_an_absolute_name_is_inside_the_layer) {
    accept(Tar().file("/etc/passwd", "inside"));
    EXPECT_EQ(read("etc/passwd"), "inside");
}
TEST_F(LayerTest, R_35_the_canarys_own_absolute_path_is_inside_the_layer) {
    accept(Tar().file(canary_, "inside"));
    EXPECT_EQ(read(canary_.substr(1)), "inside");
}
TEST_F(LayerTest, R_35_an_empty_name_is_refused) { refuse(Tar().file(""), "read entry name"); }
TEST_F(LayerTest, R_35_the_root_may_set_its_mode) {
    accept(Tar().directory("./", 0711).file("a"));
    EXPECT_EQ(look(".").st_mode & 07777, 0711u);
}
TEST_F(LayerTest, R_35_the_root_as_symbolic_link_is_refused) {
    refuse(Tar().symlink(".", home_ + "/canary"), "root entry");
}
TEST_F(LayerTest, R_35_the_root_as_file_is_refused) { refuse(Tar().file("/."), "root entry"); }
TEST_F(LayerTest, R_35_the_root_as_hard_link_is_refused) {
    refuse(Tar().hard_link(".", "a"), "root entry");
}
TEST_F(LayerTest, R_35_the_root_as_device_is_refused) {
    refuse(Tar().add({.name = "/", .type = '3', .device_major = 1, .device_minor = 3}),
           "root entry");
}
TEST_F(LayerTest, R_40_a_component_over_255_bytes_is_an_error) {
    refuse(Tar().pax({{"path", std::string(256, 'a')}}).file("x"), "file name too long");
}
TEST_F(LayerTest, R_40_a_name_over_4095_bytes_is_an_error) {
    std::string name;
    while (name.size() < 5000)
        name += "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/";
    refuse(Tar().pax({{"path", name + "x"}}).file("x"), "longer than 4095");
}
TEST_F(LayerTest, R_40_more_than_256_directories_deep_is_an_error) {
    std::string name;
    for (int i = 0; i < 300; ++i) name += "d/";
    refuse(Tar().pax({{"path", name + "x"}}).file("x"), "directories deep");
}
TEST_F(LayerTest, R_40_depth_through_symbolic_links_is_bounded_too) {
    Tar tar;
    std::string deep;
    for (int i = 0; i < 250; ++i) deep += "dddddddd/";
    tar.pax({{"path", deep}}).directory("x").pax({{"linkpath", "/" + deep}}).symlink("jump", "x");
    refuse(tar.pax({{"path", "jump/" + deep}}).directory("x"), "unpack ");
}
TEST_F(LayerTest, names_keep_their_bytes) {
    const std::string composed = "caf\xc3\xa9", decomposed = "cafe\xcc\x81", broken = "\xff\xfe";
    accept(Tar()
               .pax({{"path", composed}})
               .file("x", "1")
               .pax({{"path", decomposed}})
               .file("x", "2")
               .file(broken, "3")
               .pax({{"linkpath", decomposed}})
               .symlink("link", "x"));
    EXPECT_EQ(read(composed), "1");
    EXPECT_EQ(read(decomposed), "2");
    EXPECT_EQ(read(broken), "3");
    EXPECT_EQ(link("link"), decomposed);
}
TEST_F(LayerTest, R_35_control_characters_in_a_name_do_not_reach_the_terminal) {
    const auto result = unpack(Tar().file("a\x1b[2J/../b").bytes());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().what.find('\x1b'), std::string::npos);
}

// ---- B: symbolic links, and writing through them
// -----------------------------------------------------------------

TEST_F(LayerTest, R_33_symbolic_links_are_kept_word_for_word) {
    accept(Tar()
               .symlink("absolute", "/etc/passwd")
               .symlink("up", "../../../../etc")
               .symlink("odd", "//a/./b/"));
    EXPECT_EQ(link("absolute"), "/etc/passwd");
    EXPECT_EQ(link("up"), "../../../../etc");
    EXPECT_EQ(link("odd"), "//a/./b/");
}
TEST_F(LayerTest, R_30_writing_through_an_absolute_link_stays_inside) {
    accept(Tar().directory("target").symlink("out", "/target").file("out/file", "inside"));
    EXPECT_EQ(read("target/file"), "inside");
}
TEST_F(LayerTest, R_30_writing_through_a_link_to_the_canary_fails_or_stays_inside) {
    refuse(Tar().symlink("out", home_ + "/canary").file("out/file", "evil"), "unpack /out/file");
    accept(Tar()
               .directory(home_ + "/canary")
               .symlink("out", home_ + "/canary")
               .file("out/file", "inside"));
    EXPECT_EQ(read((home_ + "/canary/file").substr(1)), "inside");
}
TEST_F(LayerTest, R_30_writing_through_a_dot_dot_link_stays_inside) {
    accept(Tar()
               .symlink("out", "../../../../../../../..")
               .directory("etc")
               .file("out/etc/made", "evil"));
    EXPECT_EQ(read("etc/made"), "evil");
}
TEST_F(LayerTest, R_30_a_link_to_the_root_directory_is_the_layers_root) {
    accept(Tar().symlink("root", "/").file("root/made"));
    EXPECT_TRUE(exists("made"));
}
TEST_F(LayerTest, R_30_a_chain_of_links_stays_inside) {
    accept(Tar().symlink("a", "b").symlink("b", "c/../../..").directory("c").file("a/made"));
    EXPECT_TRUE(exists("made"));
}
TEST_F(LayerTest, R_30_a_loop_of_links_is_an_error) {
    refuse(Tar().symlink("a", "b").symlink("b", "a").file("a/x"),
           "too many levels of symbolic links");
}
TEST_F(LayerTest, R_30_a_link_to_itself_is_an_error) {
    refuse(Tar().symlink("a", "a").file("a/x"), "too many levels of symbolic links");
}
TEST_F(LayerTest, R_30_forty_five_links_in_a_row_are_an_error) {
    Tar tar;
    for (int i = 0; i < 45; ++i) tar.symlink("l" + std::to_string(i), "l" + std::to_string(i + 1));
    refuse(tar.directory("l45").file("l0/x"), "too many levels of symbolic links");
}
TEST_F(LayerTest, R_30_writing_a_file_over_a_link_replaces_the_link) {
    accept(Tar().symlink("file", canary_).file("file", "mine"));
    EXPECT_EQ(read("file"), "mine");
    EXPECT_EQ(link("file"), "");
}
TEST_F(LayerTest, R_30_a_link_of_the_lower_layer_is_replaced_not_followed) {
    ASSERT_EQ(::symlink(canary_.c_str(), at("file").c_str()), 0);
    accept(Tar().file("file", "mine"));
    EXPECT_EQ(read("file"), "mine");
}
TEST_F(LayerTest, R_30_a_lower_directory_link_out_of_the_layer_stays_inside) {
    ASSERT_EQ(::symlink((home_ + "/canary").c_str(), at("dir").c_str()), 0);
    refuse(Tar().file("dir/file", "evil"), "unpack /dir/file");
}
TEST_F(LayerTest, R_34_a_directory_over_a_link_replaces_the_link) {
    accept(Tar().symlink("dir", home_ + "/canary").directory("dir").file("dir/file", "mine"));
    EXPECT_EQ(read("dir/file"), "mine");
    EXPECT_TRUE(S_ISDIR(look("dir").st_mode));
}
TEST_F(LayerTest, R_33_an_empty_link_target_is_refused) {
    refuse(Tar().symlink("a", ""), "target");
}
TEST_F(LayerTest, R_33_a_link_target_over_4095_bytes_is_refused) {
    refuse(Tar().pax({{"linkpath", std::string(5000, 'a')}}).symlink("a", "x"), "link target");
}
TEST_F(LayerTest, R_32_mode_owner_and_time_of_a_link_do_not_reach_its_target) {
    accept(Tar().add({.name = "link",
                      .type = '2',
                      .link = canary_,
                      .mode = 0000,
                      .uid = 1234,
                      .gid = 1234,
                      .mtime = 7}));
    EXPECT_EQ(look("link").st_uid, 1234u);
    EXPECT_EQ(look("link").st_mtim.tv_sec, 7);
}
TEST_F(LayerTest, R_30_proc_links_of_the_archive_lead_nowhere) {
    refuse(Tar().symlink("fd", "/proc/self/root").file("fd/etc/made", "evil"),
           "unpack /fd/etc/made");
}

// ---- C: hard links
// ----------------------------------------------------------------------------------------------

TEST_F(LayerTest, R_31_an_ordinary_hard_link_is_the_same_file) {
    accept(Tar()
               .directory("etc")
               .file("etc/a", "same")
               .hard_link("b", "etc/a")
               .hard_link("c", "/etc/a"));
    EXPECT_EQ(look("b").st_ino, look("etc/a").st_ino);
    EXPECT_EQ(look("c").st_nlink, 3u);
}
TEST_F(LayerTest, R_31_a_hard_link_out_of_the_layer_is_refused) {
    refuse(Tar().hard_link("a", "../canary/file"), "holds \"..\"");
}
TEST_F(LayerTest, R_31_a_hard_link_to_an_absolute_host_path_is_inside) {
    refuse(Tar().hard_link("a", canary_), "no file " + canary_);
}
TEST_F(LayerTest, R_31_a_hard_link_through_a_symbolic_link_stays_inside) {
    refuse(Tar().symlink("out", home_ + "/canary").hard_link("a", "out/file"), "no file /out/file");
}
TEST_F(LayerTest, R_31_a_hard_link_to_a_symbolic_link_links_the_link) {
    accept(Tar().symlink("link", canary_).hard_link("a", "link"));
    EXPECT_EQ(link("a"), canary_);
}
TEST_F(LayerTest, R_31_writing_over_a_hard_link_to_a_link_out_of_the_layer_touches_the_layer_only) {
    accept(Tar().symlink("link", canary_).hard_link("a", "link").file("a", "mine"));
    EXPECT_EQ(read("a"), "mine");
}
TEST_F(LayerTest, R_31_a_hard_link_placed_through_a_link_stays_inside) {
    accept(Tar().file("a", "mine").directory("in").symlink("out", "/in").hard_link("out/b", "a"));
    EXPECT_EQ(read("in/b"), "mine");
    refuse(Tar().file("a").symlink("out", home_ + "/canary").hard_link("out/b", "a"),
           "unpack /out/b");
}
TEST_F(LayerTest, R_31_a_hard_link_to_a_later_entry_is_an_error) {
    refuse(Tar().hard_link("a", "b").file("b"), "no file /b");
}
TEST_F(LayerTest, R_31_a_hard_link_to_a_directory_is_an_error) {
    refuse(Tar().directory("d").hard_link("a", "d"), "make hard link to /d");
}
TEST_F(LayerTest, R_31_a_hard_link_to_itself_changes_nothing) {
    accept(Tar().file("a", "kept").hard_link("a", "a"));
    EXPECT_EQ(read("a"), "kept");
}
TEST_F(LayerTest, R_31_a_hard_link_to_the_root_is_refused) {
    refuse(Tar().hard_link("a", "/"), "root");
}
TEST_F(LayerTest, R_31_a_hard_link_replaces_what_was_there) {
    accept(Tar().file("a", "new").directory("b").file("b/old").hard_link("b", "a"));
    EXPECT_EQ(read("b"), "new");
}
TEST_F(LayerTest, R_31_a_bare_layer_asks_for_the_parent_that_holds_the_target) {
    wants_parent(Tar().hard_link("a", "etc/passwd"));
}
TEST_F(LayerTest, R_31_over_its_parent_it_links_the_lower_file) {
    write("etc/passwd", "lower");
    accept(Tar().hard_link("a", "etc/passwd"));
    EXPECT_EQ(read("a"), "lower");
}

// ---- E: one type over another
// -----------------------------------------------------------------------------------

TEST_F(LayerTest, R_34_a_file_over_a_full_directory_replaces_it) {
    write("d/deep/er", "x");
    accept(Tar().file("d", "file"));
    EXPECT_EQ(read("d"), "file");
}
TEST_F(LayerTest, R_34_a_directory_over_a_file_replaces_it) {
    write("f", "x");
    accept(Tar().directory("f").file("f/in"));
    EXPECT_TRUE(exists("f/in"));
}
TEST_F(LayerTest, R_34_a_directory_over_a_directory_keeps_the_content) {
    write("d/kept", "x");
    accept(Tar().directory("d", 0700));
    EXPECT_EQ(look("d").st_mode & 07777, 0700u);
    EXPECT_TRUE(exists("d/kept"));
}
TEST_F(LayerTest, R_34_a_link_over_a_full_directory_replaces_it) {
    write("d/deep/er", "x");
    accept(Tar().symlink("d", "elsewhere"));
    EXPECT_EQ(link("d"), "elsewhere");
}
TEST_F(LayerTest, R_34_a_file_below_a_file_is_an_error) {
    refuse(Tar().file("a").file("a/b"), "not a directory");
}
TEST_F(LayerTest, R_34_a_directory_that_became_a_link_is_entered_anew) {
    accept(Tar().directory("d").file("d/1").directory("e").symlink("d", "e").file("d/2"));
    EXPECT_TRUE(exists("e/2"));
    EXPECT_FALSE(exists("e/1"));
}
TEST_F(LayerTest, R_34_a_link_that_changed_its_target_is_followed_anew) {
    accept(Tar().directory("a").directory("b").symlink("l", "a").file("l/1").symlink("l", "b").file(
        "l/2"));
    EXPECT_TRUE(exists("a/1"));
    EXPECT_TRUE(exists("b/2"));
}
TEST_F(LayerTest, R_34_a_lower_directory_replaced_by_a_link_out_does_not_lead_out) {
    write("d/x", "x");
    refuse(Tar().symlink("d", home_ + "/canary").file("d/file", "evil"), "unpack /d/file");
}

}  // namespace davit::test
