// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/terminal.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace davit::sdk {

namespace {

constexpr unsigned kSlaveMajorFirst = 136;  // UNIX98_PTY_SLAVE_MAJOR and the seven after it
constexpr unsigned kSlaveMajorLast = 143;
const dev_t kMasterDevice = makedev(5, 2);

Result<void> expect_devpts(int fd) {
    struct statfs system {};
    if (::fstatfs(fd, &system) != 0) return os_error("verify devpts");
    if (system.f_type != DEVPTS_SUPER_MAGIC)
        return fail(Code::denied, "open terminal: /dev/pts is not a devpts");
    return {};
}

}  // namespace

Result<Terminal> open_terminal(int root) {
    Fd directory =
        TRY(open_in_root(root, "/dev/pts", O_RDONLY | O_DIRECTORY).context("open terminal"));
    TRY(expect_devpts(directory.get()));
    // Looked at before it is opened: opening a device that an image planted could already do
    // something.
    struct stat status {};
    if (::fstatat(directory.get(), "ptmx", &status, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("open terminal");
    if (!S_ISCHR(status.st_mode) || status.st_rdev != kMasterDevice)
        return fail(Code::denied, "open terminal: /dev/pts/ptmx is something else");
    Fd master(::openat(directory.get(), "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC));
    if (!master) return os_error("open terminal");
    int unlocked = 0;
    if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) != 0) return os_error("unlock terminal");
    Fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave || ::fstat(slave.get(), &status) != 0) return os_error("open terminal's other side");
    TRY(expect_devpts(slave.get()));
    if (major(status.st_rdev) < kSlaveMajorFirst || major(status.st_rdev) > kSlaveMajorLast)
        return fail(Code::denied, "open terminal: its other side is something else");
    return Terminal{std::move(master), std::move(slave)};
}

Result<void> resize_terminal(int master, std::uint16_t rows, std::uint16_t columns) {
    if (rows == 0 && columns == 0) return {};
    const winsize size{rows, columns, 0, 0};
    if (::ioctl(master, TIOCSWINSZ, &size) != 0) return os_error("resize terminal");
    return {};
}

Result<void> show_console(const Root& root, const Terminal& terminal) {
    return root.mount(TRY(DetachedMount::clone(terminal.slave.get())),
                      {.path = "/dev/console", .kind = PointKind::file});
}

Result<void> take_terminal(const Fd& slave) {
    if (::ioctl(slave.get(), TIOCSCTTY, 0) != 0) return os_error("take terminal");
    for (int number = 0; number <= 2; ++number)
        if (::dup2(slave.get(), number) < 0) return os_error("connect terminal");
    return {};
}

}  // namespace davit::sdk
