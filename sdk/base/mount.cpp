// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/mount.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <cerrno>
#include <string_view>

namespace davit {
namespace {

unsigned recursion(Clone what) {
    return what == Clone::tree ? static_cast<unsigned>(AT_RECURSIVE) : 0u;
}

Result<void> change(int fd, struct mount_attr attributes, Clone what, const char* doing) {
    const unsigned flags = AT_EMPTY_PATH | recursion(what);
    if (::mount_setattr(fd, "", flags, &attributes, sizeof attributes) != 0) return os_error(doing);
    return {};
}

}  // namespace

Result<DetachedMount> DetachedMount::clone(int directory, const std::string& path, Clone what) {
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursion(what);
    Fd fd(::open_tree(directory, path.c_str(), flags));
    if (!fd) return os_error("clone mount of " + (path.empty() ? std::string("directory") : path));
    // A clone of a shared mount is in its peer group: without this, mounts below it would show on
    // the host.
    struct mount_attr attributes {};
    attributes.propagation = MS_PRIVATE;
    TRY(change(fd.get(), attributes, what, "make cloned mount private"));
    return DetachedMount(std::move(fd));
}

Result<void> DetachedMount::set_attributes(std::uint64_t set, std::uint64_t clear, Clone what) {
    struct mount_attr attributes {};
    attributes.attr_set = set;
    attributes.attr_clr = clear;
    return change(fd_.get(), attributes, what, "set mount attributes");
}

Result<void> DetachedMount::set_idmap(int user_namespace, Clone what) {
    struct mount_attr attributes {};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(user_namespace);
    return change(fd_.get(), attributes, what, "map ids of mount");
}

Result<void> DetachedMount::attach(int directory, const std::string& path) const {
    if (::move_mount(fd_.get(), "", directory, path.c_str(),
                     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
        return os_error("attach mount to " + (path.empty() ? std::string("directory") : path));
    return {};
}

Result<FsContext> FsContext::open(const std::string& type) {
    Fd fd(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
    if (!fd) return os_error("open file system " + type);
    return FsContext(std::move(fd), type);
}

// The context's log holds messages such as "e overlay: upperdir is in-use …", one for each read(2).
Error FsContext::explain(const std::string& doing) const {
    const int number = errno;
    Error error = os_error(number, doing);
    char message[512];
    for (;;) {
        const ssize_t length = ::read(fd_.get(), message, sizeof message);
        if (length <= 0) return error;
        std::string_view text(message, static_cast<std::size_t>(length));
        while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
        if (text.starts_with("e ")) error.what.append(" (").append(text.substr(2)).append(")");
    }
}

Result<void> FsContext::set_flag(const std::string& key) {
    if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) != 0)
        return explain("set " + type_ + " option " + key);
    return {};
}

Result<void> FsContext::set(const std::string& key, const std::string& value) {
    if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0)
        return explain("set " + type_ + " option " + key);
    return {};
}

Result<void> FsContext::set_fd(const std::string& key, int fd) {
    if (::fsconfig(fd_.get(), FSCONFIG_SET_FD, key.c_str(), nullptr, fd) != 0)
        return explain("set " + type_ + " option " + key);
    return {};
}

Result<DetachedMount> FsContext::mount(std::uint64_t attributes) {
    if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
        return explain("make " + type_ + " file system");
    Fd fd(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
    if (!fd) return explain("mount " + type_);
    return DetachedMount(std::move(fd));
}

}  // namespace davit
