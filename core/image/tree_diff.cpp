// SPDX-License-Identifier: Apache-2.0
#include "core/image/tree_diff.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace davit::image {

namespace {

constexpr std::size_t kDepthMax = 256;  // what layers may hold (core/unpack/limits.hpp)
constexpr std::size_t kChunk = std::size_t{128} << 10;

Result<std::vector<std::string>> sorted_names(int directory) {
    auto names = TRY(list_names(directory));
    std::sort(names.begin(), names.end());
    return names;
}

Result<Fd> enter(int directory, const std::string& name) {
    Fd fd(::openat(directory, name.c_str(),
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME));
    if (!fd) return os_error("open directory " + name);
    return fd;
}

bool same_time(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool same_owner(const struct stat& a, const struct stat& b) {
    return a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid;
}

std::string xattr_of(int file, const char* name) {
    char value[4096];
    const ssize_t size = ::fgetxattr(file, name, value, sizeof value);
    return size < 0 ? std::string() : std::string(value, static_cast<std::size_t>(size));
}

Result<bool> same_content(int before, int after, const std::string& name) {
    const Fd old_file(
        ::openat(before, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    const Fd new_file(
        ::openat(after, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!old_file || !new_file) return os_error("open " + name);
    if (xattr_of(old_file.get(), "security.capability") !=
        xattr_of(new_file.get(), "security.capability"))
        return false;
    std::string old_bytes(kChunk, '\0'), new_bytes(kChunk, '\0');
    for (off_t offset = 0;; offset += static_cast<off_t>(kChunk)) {
        const ssize_t a = ::pread(old_file.get(), old_bytes.data(), kChunk, offset);
        const ssize_t b = ::pread(new_file.get(), new_bytes.data(), kChunk, offset);
        if (a < 0 || b < 0) return os_error("read " + name);
        if (a != b ||
            std::memcmp(old_bytes.data(), new_bytes.data(), static_cast<std::size_t>(a)) != 0)
            return false;
        if (a == 0) return true;
    }
}

// Size and time tell nearly always. Where both are kept, the time of the last change of the inode
// says whether somebody was there at all; only then the bytes are compared.
Result<bool> same_file(int before, const struct stat& old_status, int after,
                       const struct stat& new_status, const std::string& name) {
    if (!same_owner(old_status, new_status)) return false;
    if (S_ISDIR(new_status.st_mode)) return true;
    if (S_ISLNK(new_status.st_mode))
        return TRY(read_link(before, name)) == TRY(read_link(after, name));
    if (!S_ISREG(new_status.st_mode)) return old_status.st_rdev == new_status.st_rdev;
    if (old_status.st_size != new_status.st_size ||
        !same_time(old_status.st_mtim, new_status.st_mtim))
        return false;
    if (same_time(old_status.st_ctim, new_status.st_ctim)) return true;
    return same_content(before, after, name);
}

class Walk {
public:
    Walk(const Cancel& cancel, const SkipEmpty& skip) : cancel_(cancel), skip_(skip) {}

    Result<void> directory(int before, int after, const std::string& path, std::size_t depth);
    std::vector<Change> take() { return std::move(changes_); }

private:
    Result<void> entry(int before, int after, const std::string& path, const std::string& name,
                       bool was_there, std::size_t depth);
    Result<void> inside(int before, int after, const std::string& path, const std::string& name,
                        bool before_too, std::size_t depth);

    const Cancel& cancel_;
    const SkipEmpty& skip_;
    std::vector<Change> changes_;
};

Result<void> Walk::directory(int before, int after, const std::string& path, std::size_t depth) {
    if (depth > kDepthMax)
        return fail(Code::invalid, "compare /", path, ": its directories lie too deep");
    TRY(cancel_.check("compare files"));
    const auto new_names = TRY(sorted_names(after));
    const auto old_names = before < 0 ? std::vector<std::string>() : TRY(sorted_names(before));
    std::vector<std::string> all;
    std::set_union(new_names.begin(), new_names.end(), old_names.begin(), old_names.end(),
                   std::back_inserter(all));
    for (const std::string& name : all) {
        const std::string full = path.empty() ? name : path + "/" + name;
        const bool was_there = std::binary_search(old_names.begin(), old_names.end(), name);
        if (std::binary_search(new_names.begin(), new_names.end(), name))
            TRY(entry(before, after, full, name, was_there, depth));
        else
            changes_.push_back({full, ChangeKind::deleted});
    }
    return {};
}

Result<void> Walk::inside(int before, int after, const std::string& path, const std::string& name,
                          bool before_too, std::size_t depth) {
    const Fd new_directory = TRY(enter(after, name));
    const Fd old_directory = before_too ? TRY(enter(before, name)) : Fd();
    return directory(before_too ? old_directory.get() : -1, new_directory.get(), path, depth + 1);
}

Result<void> Walk::entry(int before, int after, const std::string& path, const std::string& name,
                         bool was_there, std::size_t depth) {
    struct stat now {
    }, then{};
    if (::fstatat(after, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? Result<void>() : os_error("look at /" + path);  // gone meanwhile
    const std::size_t position = changes_.size();
    const bool is_directory = S_ISDIR(now.st_mode);
    if (!was_there) {
        changes_.push_back({path, ChangeKind::added});
        if (is_directory) TRY(inside(before, after, path, name, false, depth));
        const bool empty = is_directory ? changes_.size() == position + 1
                                        : S_ISREG(now.st_mode) && now.st_size == 0;
        if (empty && skip_ && skip_(path)) changes_.pop_back();
        return {};
    }
    if (::fstatat(before, name.c_str(), &then, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("look at /" + path);
    const bool same = TRY(same_file(before, then, after, now, name));
    changes_.push_back({path, ChangeKind::modified});
    if (is_directory) TRY(inside(before, after, path, name, S_ISDIR(then.st_mode), depth));
    if (same && changes_.size() == position + 1) changes_.pop_back();
    return {};
}

}  // namespace

Result<std::vector<Change>> tree_diff(int before, int after, const Cancel& cancel,
                                      const SkipEmpty& skip) {
    const Fd new_root = TRY(open_beneath(after, ".", O_RDONLY | O_DIRECTORY));
    const Fd old_root = before < 0 ? Fd() : TRY(open_beneath(before, ".", O_RDONLY | O_DIRECTORY));
    Walk walk(cancel, skip);
    TRY(walk.directory(before < 0 ? -1 : old_root.get(), new_root.get(), "", 0));
    return walk.take();
}

}  // namespace davit::image
