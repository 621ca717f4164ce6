// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/rootfs.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace davit::sdk {

namespace {

const dev_t kNullDevice = makedev(1, 3);

Result<struct stat> status_of(int fd, const std::string& what) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return os_error("stat " + what);
    return status;
}

bool absent(const Error& error) { return error.os_errno == ENOENT || error.os_errno == ENOTDIR; }

}  // namespace

Result<void> set_propagation(int mount, unsigned long propagation) {
    struct mount_attr attributes {};
    attributes.propagation = propagation & ~static_cast<unsigned long>(MS_REC);
    const unsigned flags =
        AT_EMPTY_PATH | ((propagation & MS_REC) != 0 ? static_cast<unsigned>(AT_RECURSIVE) : 0u);
    if (::mount_setattr(mount, "", flags, &attributes, sizeof attributes) != 0)
        return os_error("set mount propagation");
    return {};
}

Result<Root> Root::attach(Fd detached, unsigned long propagation) {
    if (::mount(nullptr, "/", nullptr, MS_REC | propagation, nullptr) != 0)
        return os_error("separate mount namespace");
    Fd devices = TRY(open_directory("/dev", O_PATH));
    const DetachedMount mount(std::move(detached));
    TRY(mount.attach(devices.get()).context("attach root"));
    Fd root(::fcntl(mount.fd(), F_DUPFD_CLOEXEC, 0));
    if (!root) return os_error("keep root");
    return Root(std::move(root), std::move(devices));
}

Result<Fd> Root::open(const std::string& path, int flags) const {
    return open_in_root(root_.get(), path, flags);
}

Result<void> Root::mount(const DetachedMount& mount, const Place& place) const {
    Fd point = TRY(make_mount_point(root_.get(), place.path, place.kind));
    if (place.no_links) {
        // Looked up again without following anything: the same inode on the same mount, or the path
        // holds a link.
        Fd plain = TRY(
            open_beneath(root_.get(), place.path.substr(place.path.find_first_not_of('/')), O_PATH)
                .context("mount over ", place.path));
        const auto one = TRY(status_of(point.get(), place.path));
        const auto other = TRY(status_of(plain.get(), place.path));
        if (one.st_ino != other.st_ino || one.st_dev != other.st_dev)
            return fail(Code::denied, "mount over ", place.path,
                        ": the path holds a symbolic link");
    }
    return mount.attach(point.get()).context("mount over ", place.path);
}

Result<Fd> Root::make_parent(const std::string& path, std::string& name) const {
    const std::size_t slash = path.rfind('/');
    name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    if (name.empty() || name == "." || name == "..")
        return fail(Code::invalid, "make ", path, ": not a name");
    return make_mount_point(root_.get(), slash == std::string::npos ? "" : path.substr(0, slash),
                            PointKind::directory);
}

Result<void> Root::make_device(const DeviceNode& node) const {
    std::string name;
    Fd parent = TRY(make_parent(node.path, name));
    if (::mknodat(parent.get(), name.c_str(), node.mode, node.number) != 0) {
        if (errno != EEXIST) return os_error("make device " + node.path);
        // A node that an image or an earlier start left must be what it says.
        struct stat status {};
        if (::fstatat(parent.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            status.st_rdev != node.number || (status.st_mode & S_IFMT) != (node.mode & S_IFMT))
            return fail(Code::exists, "make device ", node.path, ": something else is there");
    }
    if (::fchownat(parent.get(), name.c_str(), node.uid, node.gid, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("set owner of " + node.path);
    return {};
}

Result<void> Root::bind_device(const DeviceNode& node) const {
    if (!node.path.starts_with("/dev/"))
        return fail(Code::unsupported, "show device ", node.path,
                    ": outside /dev in a user namespace");
    const std::string name = node.path.substr(5);
    Fd device(::openat(host_devices_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!device) return os_error("open device " + node.path);
    if (TRY(status_of(device.get(), node.path)).st_rdev != node.number)
        return fail(Code::not_found, "show device ", node.path, ": the host's is another");
    return mount(TRY(DetachedMount::clone(device.get())),
                 {.path = node.path, .kind = PointKind::file});
}

Result<void> Root::make_link(const std::string& path, const std::string& target) const {
    std::string name;
    Fd parent = TRY(make_parent(path, name));
    if (::symlinkat(target.c_str(), parent.get(), name.c_str()) != 0 && errno != EEXIST)
        return os_error("make link " + path);
    return {};
}

Result<void> Root::mask(const std::string& path) {
    auto found = open(path, O_PATH);
    if (!found && absent(found.error())) return {};
    if (!found) return std::move(found).error().context("mask ", path);
    if (S_ISDIR(TRY(status_of(found->get(), path)).st_mode))
        return mask_directory(found->get()).context("mask ", path);
    return mask_file(found->get(), path).context("mask ", path);
}

Result<void> Root::mask_directory(int directory) {
    if (empty_directory_)
        return TRY(DetachedMount::clone(empty_directory_.get())).attach(directory);
    FsContext empty = TRY(FsContext::open("tmpfs"));
    TRY(empty.set("mode", "0755"));
    TRY(empty.set("nr_inodes", "1"));
    TRY(empty.set_flag("ro"));
    DetachedMount mount = TRY(
        empty.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    TRY(mount.attach(directory));
    empty_directory_ = mount.release();
    return {};
}

Result<void> Root::mask_file(int file, const std::string& path) const {
    Fd null(::openat(host_devices_.get(), "null", O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!null) return os_error("open null device");
    const auto status = TRY(status_of(null.get(), "null device"));
    if (!S_ISCHR(status.st_mode) || status.st_rdev != kNullDevice)
        return fail(Code::internal, "open null device: the host's /dev/null is something else");
    DetachedMount mask = TRY(DetachedMount::clone(null.get()));
    TRY(mask.set_attributes(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    TRY(mask.attach(file));
    Fd after = TRY(open(path, O_PATH));
    if (TRY(status_of(after.get(), path)).st_rdev != kNullDevice)
        return fail(Code::denied, "it moved meanwhile");
    return {};
}

Result<void> Root::make_read_only(const std::string& path) const {
    auto found = open(path, O_PATH);
    if (!found && absent(found.error())) return {};
    if (!found) return std::move(found).error().context("make read-only ", path);
    DetachedMount mount = TRY(DetachedMount::clone(found->get(), "", Clone::tree));
    TRY(mount.set_attributes(MOUNT_ATTR_RDONLY, 0, Clone::tree));
    return mount.attach(found->get()).context("make read-only ", path);
}

Result<void> Root::enter() const {
    if (::fchdir(root_.get()) != 0) return os_error("enter root");
    // pivot_root(".", "."): the old root lies on top of the new one afterwards and is taken off at
    // once.
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return os_error("change root");
    if (::umount2(".", MNT_DETACH) != 0) return os_error("leave the host's root");
    if (::chdir("/") != 0) return os_error("enter root");
    return {};
}

}  // namespace davit::sdk
