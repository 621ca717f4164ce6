// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/root_entry.hpp"

#include "sdk/base/mount.hpp"
#include "sdk/container/jail.hpp"
#include "sdk/container/mount_point.hpp"
#include "sdk/container/namespaces.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::unpack {

namespace {

Result<void> attach(const AttachedMount& wanted) {
    struct stat status {};
    if (::fstat(wanted.mount.get(), &status) != 0) return os_error("look at mount");
    const auto kind = S_ISDIR(status.st_mode) ? sdk::PointKind::directory : sdk::PointKind::file;
    const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return os_error("open root");
    const Fd point = TRY(sdk::make_mount_point(root.get(), wanted.target, kind));
    // Owned by the mount from here on: closing the descriptor leaves it attached.
    return DetachedMount(Fd(::fcntl(wanted.mount.get(), F_DUPFD_CLOEXEC, 0))).attach(point.get());
}

// Of the root of the namespace that this process is in, a mount of its own.
Result<void> enter_root_alone() {
    auto alone = TRY(DetachedMount::clone(AT_FDCWD, "/"));
    return sdk::enter_detached_root(alone.fd());
}

}  // namespace

Result<void> enter_root(RootKind kind, Fd root, std::vector<AttachedMount> mounts) {
    if (kind == RootKind::mount) {
        TRY(sdk::enter_detached_root(root.get()));
        root.reset();
        for (const AttachedMount& mount : mounts)
            TRY(attach(mount).context("mount over ", mount.target));
        return {};
    }
    TRY(sdk::join_namespaces(root.get(), CLONE_NEWNS));
    if (kind == RootKind::root_of) return enter_root_alone();
    TRY(sdk::leave_namespaces(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS));
    if (::chdir("/") != 0) return os_error("enter root");
    return {};
}

}  // namespace davit::unpack
