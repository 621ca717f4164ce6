// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/unpack/layer_fixture.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/mount.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace davit::test {

namespace fs = std::filesystem;

void LayerTest::SetUp() {
    char name[] = "/var/tmp/davit-unpack-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    home_ = name;
    root_ = home_ + "/layer";
    canary_ = home_ + "/canary/file";
    fs::create_directories(root_);
    fs::create_directories(home_ + "/canary");
    std::ofstream(canary_) << "untouched";
    before_ = survey();
}

void LayerTest::TearDown() {
    EXPECT_EQ(survey(), before_) << "something outside the layer changed";
    fs::remove_all(home_);
}

// Everything that could tell of a change: content, times, owners and modes of the canary, and what
// lies beside.
std::map<std::string, std::string> LayerTest::survey() const {
    std::map<std::string, std::string> found;
    for (const std::string& path :
         {canary_, home_ + "/canary", std::string("/etc/passwd"), std::string("/etc")}) {
        struct stat status {};
        ::stat(path.c_str(), &status);
        std::ostringstream text;
        text << status.st_mode << ' ' << status.st_uid << ' ' << status.st_ino << ' '
             << status.st_nlink << ' ' << status.st_mtim.tv_sec << '.' << status.st_mtim.tv_nsec
             << ' ' << status.st_size;
        found[path] = text.str();
    }
    for (const auto& beside : fs::directory_iterator(home_))
        found[beside.path().string()] += " present";
    std::ifstream content(canary_);
    found["content"] = std::string(std::istreambuf_iterator<char>(content), {});
    return found;
}

Result<image::UnpackResult> LayerTest::unpack(std::string_view stream, image::View view) {
    Fd directory = TRY(open_directory(root_));
    auto mount = TRY(DetachedMount::clone(directory.get()));
    Fd source(::memfd_create("layer", MFD_CLOEXEC));
    TRY(write_all(source.get(), stream));
    ::lseek(source.get(), 0, SEEK_SET);
    return image::unpack_layer({.program = DAVIT_UNPACK_PROGRAM,
                                .mount = mount.release(),
                                .view = view,
                                .source = source.get()});
}

Result<image::UnpackResult> LayerTest::unpack_stalled(std::string_view stream, image::View view) {
    Fd directory = TRY(open_directory(root_));
    auto mount = TRY(DetachedMount::clone(directory.get()));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return os_error("make pipe");
    const Fd source(ends[0]), sink(ends[1]);
    TRY(write_all(sink.get(), stream));
    return image::unpack_layer({.program = DAVIT_UNPACK_PROGRAM,
                                .mount = mount.release(),
                                .view = view,
                                .source = source.get()});
}

image::UnpackResult LayerTest::accept(const Tar& tar, image::View view) {
    const std::string bytes = tar.bytes();
    auto result = unpack(gzip(bytes), view);
    EXPECT_TRUE(result) << result.error().what;
    if (!result) return {.blob = Digest::of(""), .diff_id = Digest::of("")};
    EXPECT_FALSE(result->needs_parent);
    EXPECT_EQ(result->diff_id, Digest::of(bytes));
    return *result;
}

void LayerTest::refuse(const Tar& tar, const std::string& complaint, image::View view) {
    const auto result = unpack(gzip(tar.bytes()), view);
    ASSERT_FALSE(result) << "it was accepted";
    EXPECT_NE(result.error().what.find(complaint), std::string::npos) << result.error().what;
}

void LayerTest::wants_parent(const Tar& tar) {
    const auto result = unpack(gzip(tar.bytes()), image::View::bare);
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_TRUE(result->needs_parent);
}

std::string LayerTest::read(const std::string& name) const {
    std::ifstream file(at(name));
    return std::string(std::istreambuf_iterator<char>(file), {});
}

void LayerTest::write(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(at(name)).parent_path());
    std::ofstream(at(name)) << content;
}

bool LayerTest::exists(const std::string& name) const {
    struct stat status {};
    return ::lstat(at(name).c_str(), &status) == 0;
}

struct stat LayerTest::look(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(::lstat(at(name).c_str(), &status), 0) << name << " is missing";
    return status;
}

std::string LayerTest::xattr(const std::string& name, const std::string& key) const {
    char value[256];
    const ssize_t size = ::lgetxattr(at(name).c_str(), key.c_str(), value, sizeof value);
    return size < 0 ? "(none)" : std::string(value, static_cast<std::size_t>(size));
}

std::string LayerTest::link(const std::string& name) const {
    std::error_code ignored;
    return fs::read_symlink(at(name), ignored).string();
}

}  // namespace davit::test
