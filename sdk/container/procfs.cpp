// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/procfs.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/mount.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace davit::sdk {

namespace {
constexpr ino_t kProcRootInode = 1;  // PROC_ROOT_INO of the kernel
}

Result<ProcHandle> ProcHandle::open() {
    FsContext context = TRY(FsContext::open("proc"));
    DetachedMount mount =
        TRY(context.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    struct statfs system {};
    struct stat status {};
    if (::fstatfs(mount.fd(), &system) != 0 || ::fstat(mount.fd(), &status) != 0)
        return os_error("verify procfs");
    if (system.f_type != PROC_SUPER_MAGIC || status.st_ino != kProcRootInode)
        return fail(Code::denied, "verify procfs: it is something else");
    return ProcHandle(mount.release());
}

Result<void> ProcHandle::write(const std::string& path, const std::string& value) const {
    Fd file = TRY(open_beneath(root_.get(), path, O_WRONLY).context("write ", path));
    return write_all(file.get(), value).context("write ", path);
}

}  // namespace davit::sdk
