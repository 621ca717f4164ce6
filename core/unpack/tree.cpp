// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/tree.hpp"

#include "core/unpack/entry_name.hpp"
#include "core/unpack/limits.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <climits>

namespace davit::unpack {

namespace {

// Where an open directory lies, seen from the root: the jail has no /proc to ask.
Result<std::string> canonical_path(int directory) {
    char buffer[PATH_MAX];
    if (::fchdir(directory) != 0) return os_error("enter directory");
    if (::getcwd(buffer, sizeof buffer) == nullptr) return os_error("name directory");
    if (buffer[0] != '/') return fail(Code::invalid, "name directory: it lies outside the root");
    return std::string(buffer + 1);
}

Result<bool> is_setgid(int directory) {
    struct stat status {};
    if (::fstat(directory, &status) != 0) return os_error("look at directory");
    return (status.st_mode & S_ISGID) != 0;
}

}  // namespace

Result<Tree> Tree::open_root() {
    Fd fd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return os_error("open layer");
    const bool setgid = TRY(is_setgid(fd.get()));
    return Tree(Directory{std::move(fd), {}, setgid});
}

std::shared_ptr<Directory> Tree::find(std::string_view path) {
    if (path.empty()) return root_;
    const auto found = known_.find(std::string(path));
    if (found == known_.end()) return nullptr;
    order_.splice(order_.end(), order_, found->second.position);
    return found->second.directory;
}

std::shared_ptr<Directory> Tree::remember(std::string path, Directory directory) {
    if (known_.size() >= kDirectoriesKept) {
        known_.erase(order_.front());
        order_.pop_front();
    }
    auto kept = std::make_shared<Directory>(std::move(directory));
    order_.push_back(path);
    known_.emplace(std::move(path), Known{kept, std::prev(order_.end())});
    return kept;
}

Result<std::shared_ptr<Directory>> Tree::directory(std::string_view path) {
    if (auto known = find(path)) return known;
    Fd fd = TRY(open_in_root(root_->fd.get(), std::string(path), O_RDONLY | O_DIRECTORY));
    auto canonical = TRY(canonical_path(fd.get()));
    const bool setgid = TRY(is_setgid(fd.get()));
    return remember(std::string(path), Directory{std::move(fd), std::move(canonical), setgid});
}

Result<std::shared_ptr<Directory>> Tree::make_directories(std::string_view path) {
    auto found = directory(path);
    if (found || found.error().code != Code::not_found) return found;
    const Name name = split(path);
    const auto parent = TRY(make_directories(name.parent));
    // EEXIST is a symbolic link that leads nowhere: opening it again says so.
    if (::mkdirat(parent->fd.get(), std::string(name.base).c_str(), 0755) != 0 && errno != EEXIST)
        return os_error("make directory");
    return directory(path);
}

Result<std::shared_ptr<Directory>> Tree::enter(const Directory& parent, const std::string& path,
                                               const std::string& name) {
    if (auto known = find(path)) return known;
    Fd fd(::openat(parent.fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return os_error("open directory");
    const bool setgid = TRY(is_setgid(fd.get()));
    return remember(path, Directory{std::move(fd), parent.path_of(name), setgid});
}

Result<struct stat> Tree::look(const Directory& parent, const std::string& name) {
    struct stat status {};
    if (::fstatat(parent.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("look at it");
    return status;
}

Result<void> Tree::remove(const Directory& parent, const std::string& name) {
    const auto status = look(parent, name);
    if (!status && status.error().code == Code::not_found) return {};
    if (!status) return status.error();
    if (S_ISDIR(status->st_mode)) {
        TRY(remove_tree(parent.fd.get(), name));
        forget();
        return {};
    }
    if (::unlinkat(parent.fd.get(), name.c_str(), 0) != 0) return os_error("remove it");
    if (S_ISLNK(status->st_mode)) forget();
    return {};
}

}  // namespace davit::unpack
