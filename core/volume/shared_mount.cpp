// SPDX-License-Identifier: Apache-2.0
#include "core/volume/shared_mount.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

namespace davit::volume {

namespace {

// On a thread of its own: it is in the container's mount namespace from here to its end.
Result<DetachedMount> clone_inside(int process, const std::string& path, std::uint64_t device) {
    if (::unshare(CLONE_FS) != 0) return os_error("leave shared directories");
    if (::setns(process, CLONE_NEWNS) != 0) return os_error("join mount namespace");
    const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return os_error("open root");
    const Fd place = TRY(open_in_root(root.get(), path, O_PATH));
    struct stat status {};
    if (::fstat(place.get(), &status) != 0) return os_error("look at " + path);
    if (status.st_dev != device)
        return fail(Code::not_found, "find volume at ", path, ": something else lies there");
    return DetachedMount::clone(place.get());
}

}  // namespace

Result<DetachedMount> clone_from_process(int process, const std::string& path,
                                         std::uint64_t device) {
    Result<DetachedMount> cloned = fail(Code::internal, "clone volume: not done");
    std::thread([&] { cloned = clone_inside(process, path, device); }).join();
    return cloned;
}

}  // namespace davit::volume
