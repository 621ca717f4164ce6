// SPDX-License-Identifier: Apache-2.0
// Which files the loader takes, on real files: wrong versions, foreign owners, damage, pins.
#include "core/plugin/library.hpp"
#include "sdk/plugin/value.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace davit::plugin {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kStranger = 12345;

std::string failure(const auto& result) { return result ? "(no error)" : result.error().what; }

class LoaderTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "davit-loader-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        file_ = (folder_ / "plain-c.so").string();
        fs::copy_file(DAVIT_TEST_DRIVERS "/plain-c.so", file_);
    }
    void TearDown() override { fs::remove_all(folder_); }

    static std::string built(const std::string& name) {
        return DAVIT_TEST_DRIVERS "/" + name + ".so";
    }
    static Result<const davit_module*> load(const std::string& path, const std::string& pin = {}) {
        auto library = TRY(Library::open(path));
        return library->load(pin);
    }
    void expect_denied(const std::string& cause) {
        const auto opened = Library::open(file_);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Code::denied);
        EXPECT_NE(opened.error().what.find(cause), std::string::npos) << opened.error().what;
    }

    fs::path folder_;
    std::string file_;
};

TEST_F(LoaderTest, loads_a_driver_in_plain_c) {
    const auto module = load(file_);
    ASSERT_TRUE(module) << failure(module);
    EXPECT_EQ((*module)->built_minor, DAVIT_ABI_MINOR);
    EXPECT_NE(find_driver(**module, "storage", "plain-c"), nullptr);
    EXPECT_EQ(find_driver(**module, "network", "plain-c"), nullptr);
}

TEST_F(LoaderTest, refuses_another_major) {
    const auto opened = Library::open(built("other-major"));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::unsupported);
    EXPECT_EQ(opened.error().what,
              "open " + built("other-major") +
                  ": check version: the file is built for ABI major 1, this engine speaks 0");
}

TEST_F(LoaderTest, refuses_a_file_that_needs_a_newer_host) {
    const auto opened = Library::open(built("newer-host"));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::unsupported);
    EXPECT_NE(opened.error().what.find("needs ABI 0.999, this engine speaks 0.1"),
              std::string::npos);
}

TEST_F(LoaderTest, refuses_a_module_that_lacks_a_driver_of_its_manifest) {
    const auto module = load(built("other-driver"));
    EXPECT_EQ(failure(module),
              "load " + fs::canonical(built("other-driver")).string() +
                  ": read module: it lacks the storage driver another of its manifest");
}

TEST_F(LoaderTest, gives_the_dynamic_linkers_own_words_with_the_files_name) {
    const auto module = load(built("unresolved"));
    const auto path = fs::canonical(built("unresolved")).string();
    EXPECT_EQ(failure(module),
              "load " + path + ": " + path + ": undefined symbol: davit_test_nobody_has_this");
}

TEST_F(LoaderTest, refuses_a_library_without_a_manifest) {
    EXPECT_NE(failure(Library::open(built("no-manifest")))
                  .find("read manifest: the file carries none (section .note.davit)"),
              std::string::npos);
}

TEST_F(LoaderTest, refuses_what_is_no_shared_object) {
    std::ofstream(file_) << "#!/bin/sh\n";
    EXPECT_NE(failure(Library::open(file_)).find("read ELF file: it ends within its header"),
              std::string::npos);
    std::ofstream(file_) << std::string(4096, 'x');
    EXPECT_NE(failure(Library::open(file_)).find("it is not an ELF file"), std::string::npos);
    fs::remove(file_);
    ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
    EXPECT_NE(failure(Library::open(file_)).find("it is not a regular file"), std::string::npos);
    fs::remove(file_);
    EXPECT_EQ(failure(Library::open(file_)), "open " + file_ + ": no such file or directory");
}

TEST_F(LoaderTest, refuses_a_file_of_another_owner) {
    ASSERT_EQ(::chown(file_.c_str(), kStranger, 0), 0);
    expect_denied("it belongs to user 12345, not to root or davitd's user");
}

TEST_F(LoaderTest, refuses_a_file_that_others_can_write) {
    fs::permissions(file_, fs::perms(0646));
    expect_denied("others can write to it");
    fs::permissions(file_, fs::perms(0664));
    EXPECT_TRUE(Library::open(file_)) << "root's own group is no stranger";
    ASSERT_EQ(::chown(file_.c_str(), 0, kStranger), 0);
    expect_denied("others can write to it");
}

TEST_F(LoaderTest, refuses_a_folder_of_another_owner_anywhere_above) {
    const auto below = folder_ / "below";
    fs::create_directory(below);
    fs::rename(file_, below / "plain-c.so");
    file_ = (below / "plain-c.so").string();
    ASSERT_TRUE(Library::open(file_));
    ASSERT_EQ(::chown(folder_.c_str(), kStranger, 0), 0);
    expect_denied("the folder belongs to user 12345");
    ASSERT_EQ(::chown(folder_.c_str(), 0, 0), 0);
}

TEST_F(LoaderTest, takes_a_folder_that_others_can_write_only_when_it_is_sticky) {
    fs::permissions(folder_, fs::perms(0777));
    expect_denied("others can write to the folder, and it is not sticky");
    fs::permissions(folder_, fs::perms(01777));
    EXPECT_TRUE(Library::open(file_));
}

TEST_F(LoaderTest, a_link_does_not_hide_who_owns_the_real_folder) {
    const auto strange = folder_ / "strange";
    fs::create_directory(strange);
    fs::rename(file_, strange / "plain-c.so");
    fs::create_symlink(strange / "plain-c.so", file_);
    EXPECT_TRUE(Library::open(file_));
    ASSERT_EQ(::chown(strange.c_str(), kStranger, 0), 0);
    expect_denied("the folder belongs to user 12345");
}

TEST_F(LoaderTest, loads_only_what_has_the_pinned_hash) {
    const auto hash = Library::open(file_).take()->sha256().take();
    EXPECT_EQ(hash.size(), 64u);
    EXPECT_TRUE(load(file_, hash));
    const auto other = load(file_, std::string(64, '0'));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Code::denied);
    EXPECT_NE(other.error().what.find("its SHA-256 is " + hash + ", the configuration wants 000"),
              std::string::npos);
}

TEST_F(LoaderTest, loads_the_file_that_was_read_whatever_its_path_holds_by_then) {
    auto library = Library::open(file_).take();
    fs::remove(file_);
    std::ofstream(file_) << "something else";
    EXPECT_TRUE(library->load(""));
}

TEST_F(LoaderTest, two_files_loaded_one_after_the_other_are_two_libraries) {
    const auto first = load(file_).take();
    const auto second = load(built("plain-c")).take();
    EXPECT_NE(first, second) << "a descriptor number was used again";
    EXPECT_EQ(load(file_).take(), first) << "the same file is the same library";
}

TEST_F(LoaderTest, survives_any_damage_to_the_file) {
    std::ifstream in(file_, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(in)), {});
    // Every header byte, and every note, broken one at a time; nothing is loaded here, only read.
    for (std::size_t at = 0; at < 1024; ++at) {
        auto broken = whole;
        broken[at] = static_cast<char>(broken[at] ^ 0xff);
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << broken;
        (void)Library::open(file_);
    }
    for (std::size_t length = 0; length < whole.size(); length += 509) {
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << whole.substr(0, length);
        (void)Library::open(file_);
    }
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << whole;
    EXPECT_TRUE(Library::open(file_));
}

}  // namespace
}  // namespace davit::plugin
