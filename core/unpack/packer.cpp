// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/packer.hpp"

#include "core/unpack/entry_name.hpp"
#include "core/unpack/limits.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace davit::unpack {

namespace {

// "/" stays in front of what lies in a root that is shown as "/".
std::string below(const std::string& shown, const std::string& name) {
    return shown.empty() || shown.ends_with('/') ? shown + name : shown + "/" + name;
}

bool has_vanished(const Error& error) { return error.code == Code::not_found; }

bool is_shown(std::string_view xattr) {
    return (xattr.starts_with("user.") && !xattr.starts_with("user.overlay.")) ||
           xattr == "security.capability";
}

Result<struct stat> look_at(int parent, const std::string& name) {
    struct stat status {};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("look at " + name);
    return status;
}

// What lies in there are no files; packed when it is asked for itself.
bool is_the_kernels(int directory) {
    struct statfs kind {};
    return ::fstatfs(directory, &kind) == 0 &&
           (kind.f_type == PROC_SUPER_MAGIC || kind.f_type == SYSFS_MAGIC ||
            kind.f_type == CGROUP_SUPER_MAGIC || kind.f_type == CGROUP2_SUPER_MAGIC);
}

// Those that unpacking would set again (rule R-39). A file system without any is none.
std::vector<Xattr> xattrs_of(int file) {
    std::string names(kXattrListMax, '\0');
    const ssize_t size = ::flistxattr(file, names.data(), names.size());
    if (size <= 0) return {};
    names.resize(static_cast<std::size_t>(size));
    std::vector<Xattr> found;
    for (std::size_t at = 0; at < names.size(); at += std::string_view(&names[at]).size() + 1) {
        const std::string name(&names[at]);
        if (!is_shown(name)) continue;
        std::string value(kXattrValueMax, '\0');
        const ssize_t length = ::fgetxattr(file, name.c_str(), value.data(), value.size());
        if (length < 0) continue;
        value.resize(static_cast<std::size_t>(length));
        found.push_back({name, std::move(value)});
    }
    return found;
}

// Where a file has data; empty when it has no holes or its file system does not tell.
std::vector<Extent> extents_of(int file, std::uint64_t size) {
    std::vector<Extent> found;
    std::uint64_t covered = 0;
    for (off_t at = 0; static_cast<std::uint64_t>(at) < size;) {
        const off_t data = ::lseek(file, at, SEEK_DATA);
        if (data < 0) break;  // ENXIO: a hole to the end
        const off_t hole = std::min(::lseek(file, data, SEEK_HOLE), static_cast<off_t>(size));
        if (hole <= data) break;
        const auto bytes = static_cast<std::uint64_t>(hole - data);
        found.push_back({static_cast<std::uint64_t>(data), bytes});
        covered += bytes;
        at = hole;
    }
    ::lseek(file, 0, SEEK_SET);
    if (covered == size) return {};
    if (found.empty()) found.push_back({0, 0});  // one large hole
    return found;
}

}  // namespace

Result<void> Packer::add_tree(int parent, const std::string& name, const std::string& shown) {
    const struct stat status = TRY(look_at(parent, name));
    if (!S_ISDIR(status.st_mode)) return add_entry(parent, name, shown, status);
    Fd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return os_error("open " + shown);
    return add_directory(std::move(directory), shown, 0);
}

Result<void> Packer::add_one(int parent, const std::string& name, const std::string& shown) {
    const struct stat status = TRY(look_at(parent, name));
    return add_entry(parent, name, shown, status);
}

Result<void> Packer::add_whiteout(const std::string& shown) {
    const Name name = split(shown);
    Item item;
    item.name = std::string(name.parent) + (name.parent.empty() ? "" : "/") + ".wh." +
                std::string(name.base);
    item.status.st_mode = S_IFREG;
    return writer_.begin(item);
}

Result<void> Packer::add_directory(Fd directory, const std::string& shown, unsigned depth) {
    Item item;
    item.name = shown;
    if (::fstat(directory.get(), &item.status) != 0) return os_error("look at " + shown);
    item.xattrs = xattrs_of(directory.get());
    TRY(writer_.begin(item));
    if (depth > 0 && is_the_kernels(directory.get())) return {};
    return add_inside(directory.get(), shown, depth);
}

Result<void> Packer::add_inside(int directory, const std::string& shown, unsigned depth) {
    if (depth > kPackDepthMax) return fail(Code::invalid, "pack ", shown, ": it lies too deep");
    auto names = TRY(list_names(directory).context("read directory ", shown));
    std::sort(names.begin(), names.end());  // the same tree makes the same archive
    for (const std::string& name : names) {
        const std::string inside = below(shown, name);
        if (inside.size() > kNameMax) return fail(Code::invalid, "pack ", shown, ": name too long");
        const auto status = look_at(directory, name);
        if (!status && has_vanished(status.error())) continue;
        if (!status) return status.error();
        if (!S_ISDIR(status->st_mode)) {
            auto added = add_entry(directory, name, inside, *status);
            if (!added && !has_vanished(added.error())) return added;
            continue;
        }
        Fd child(
            ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!child && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) continue;
        if (!child) return os_error("open " + inside);
        TRY(add_directory(std::move(child), inside, depth + 1));
    }
    return {};
}

Result<void> Packer::add_entry(int parent, const std::string& name, const std::string& shown,
                               const struct stat& status) {
    Item item;
    item.name = shown;
    item.status = status;
    if (S_ISSOCK(status.st_mode)) return {};
    if (S_ISLNK(status.st_mode)) item.link = TRY(read_link(parent, name));
    if (S_ISREG(status.st_mode)) {
        // What was swapped in since is looked at again before a byte is read; a fifo or a terminal
        // must not hold us up.
        Fd file(::openat(parent, name.c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (!file) return os_error("open " + shown);
        return add_file(std::move(file), std::move(item));
    }
    if (S_ISDIR(status.st_mode)) {
        Fd directory(
            ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!directory) return os_error("open " + shown);
        item.xattrs = xattrs_of(directory.get());
    }
    if (linked_before(item)) item.status.st_size = 0;
    return writer_.begin(item);
}

bool Packer::linked_before(Item& item) {
    if (item.status.st_nlink < 2 || S_ISDIR(item.status.st_mode)) return false;
    const auto [known, fresh] =
        linked_.try_emplace({item.status.st_dev, item.status.st_ino}, item.name);
    if (!fresh) item.hard_link = known->second;
    return !fresh;
}

Result<void> Packer::add_file(Fd file, Item item) {
    if (::fstat(file.get(), &item.status) != 0) return os_error("look at " + item.name);
    if (!S_ISREG(item.status.st_mode))
        return fail(Code::not_found, "pack ", item.name, ": it was replaced meanwhile");
    if (linked_before(item)) return writer_.begin(item);
    item.xattrs = xattrs_of(file.get());
    auto left = static_cast<std::uint64_t>(item.status.st_size);
    const bool may_have_holes =
        static_cast<std::uint64_t>(item.status.st_blocks) * 512 < left;  // stat(2) counts in 512
    if (holes_ == Holes::told && may_have_holes) item.extents = extents_of(file.get(), left);
    TRY(writer_.begin(item));
    static char buffer[kPackBlock];
    while (left > 0) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPackBlock));
        ssize_t got = ::read(file.get(), buffer, wanted);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_error("read " + item.name);
        if (got == 0) {  // it has become shorter: its size is in the archive already
            std::fill_n(buffer, wanted, '\0');
            got = static_cast<ssize_t>(wanted);
        }
        TRY(writer_.content({buffer, static_cast<std::size_t>(got)}));
        left -= static_cast<std::uint64_t>(got);
    }
    return {};
}

}  // namespace davit::unpack
