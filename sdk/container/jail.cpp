// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/jail.hpp"

#include "sdk/base/fd.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <memory>

namespace davit::sdk {

Result<void> enter_detached_root(int mount) {
    if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
        return os_error("unshare namespaces");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return os_error("make mounts private");
    if (::syscall(SYS_move_mount, mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return os_error("attach root");
    if (::fchdir(mount) != 0) return os_error("enter root");
    // pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one and is
    // taken away.
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return os_error("change root");
    if (::umount2(".", MNT_DETACH) != 0) return os_error("detach old root");
    if (::chdir("/") != 0) return os_error("enter root");
    return {};
}

Result<void> keep_capabilities(std::span<const int> capabilities) {
    for (int capability = 0; cap_get_bound(capability) >= 0; ++capability)
        if (cap_drop_bound(capability) != 0) return os_error("empty capability bounding set");
    const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> set(cap_init(), cap_free);
    if (!set) return os_error("make capability set");
    const int count = static_cast<int>(capabilities.size());
    if (count > 0 &&
        (cap_set_flag(set.get(), CAP_PERMITTED, count, capabilities.data(), CAP_SET) != 0 ||
         cap_set_flag(set.get(), CAP_EFFECTIVE, count, capabilities.data(), CAP_SET) != 0))
        return os_error("choose capabilities");
    if (cap_set_proc(set.get()) != 0) return os_error("drop capabilities");
    // Dropping them also emptied the ambient set, which never exceeds the inheritable one.
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return os_error("forbid new privileges");
    return {};
}

namespace {

Result<void> limit(__rlimit_resource resource, std::uint64_t value, const char* name) {
    const rlimit both{value, value};
    if (::setrlimit(resource, &both) != 0) return os_error(std::string("limit ") + name);
    return {};
}

}  // namespace

Result<void> limit_process(const JailLimits& limits) {
    TRY(limit(RLIMIT_CORE, 0, "core dumps"));
    if (limits.memory != 0) TRY(limit(RLIMIT_AS, limits.memory, "memory"));
    if (limits.file_bytes != 0) TRY(limit(RLIMIT_FSIZE, limits.file_bytes, "file size"));
    if (limits.processor_seconds != 0)
        TRY(limit(RLIMIT_CPU, limits.processor_seconds, "processor time"));
    if (limits.descriptors != 0) TRY(limit(RLIMIT_NOFILE, limits.descriptors, "descriptors"));
    return {};
}

namespace {

// What each version of Landlock can restrict (linux/landlock.h); headers of Debian 12 end with
// version 3.
constexpr int kOldestUsable = 2;
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;     // version 3
constexpr std::uint64_t kDeviceIoctl = std::uint64_t{1} << 15;  // version 5
constexpr std::uint64_t kTcp = 3;                               // version 4: bind and connect
constexpr std::uint64_t kScopes = 3;  // version 6: abstract sockets and signals

struct Ruleset {  // landlock_ruleset_attr of version 6; older kernels are given the part that they
                  // know
    std::uint64_t files = 0;
    std::uint64_t network = 0;
    std::uint64_t scopes = 0;
};

std::uint64_t known_file_rights(int version) {
    std::uint64_t rights = (LANDLOCK_ACCESS_FS_REFER << 1) - 1;
    if (version >= 3) rights |= kTruncate;
    if (version >= 5) rights |= kDeviceIoctl;
    return rights;
}

Result<void> allow_below_root(int ruleset, std::uint64_t rights) {
    Fd root(::open("/", O_PATH | O_CLOEXEC));
    if (!root) return os_error("open root");
    landlock_path_beneath_attr rule{};
    rule.allowed_access = rights;
    rule.parent_fd = root.get();
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return os_error("add landlock rule");
    return {};
}

}  // namespace

Result<bool> restrict_files(FileAccess access) {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < kOldestUsable) return false;
    Ruleset wanted{known_file_rights(static_cast<int>(version)), 0, 0};
    std::size_t size = sizeof wanted.files;
    if (version >= 4) wanted.network = kTcp, size += sizeof wanted.network;
    if (version >= 6) wanted.scopes = kScopes, size += sizeof wanted.scopes;
    Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, size, 0)));
    if (!ruleset) return os_error("make landlock rules");
    if (access == FileAccess::read)
        TRY(allow_below_root(ruleset.get(),
                             LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR));
    if (access == FileAccess::change)
        TRY(allow_below_root(ruleset.get(),
                             wanted.files & ~(LANDLOCK_ACCESS_FS_EXECUTE | kDeviceIoctl)));
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
        return os_error("apply landlock rules");
    return true;
}

Result<void> allow_system_calls(std::span<const char* const> names) {
    const std::unique_ptr<void, void (*)(void*)> filter(seccomp_init(SCMP_ACT_KILL_PROCESS),
                                                        seccomp_release);
    if (!filter) return fail(Code::internal, "make system call filter: out of memory");
    // A binary tree instead of a chain: every call of the process goes through it.
    seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (const char* name : names) {
        const int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR) continue;
        if (const int status = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0);
            status != 0)
            return os_error(-status, std::string("allow system call ") + name);
    }
    if (const int status = seccomp_load(filter.get()); status != 0)
        return os_error(-status, "load system call filter");
    return {};
}

}  // namespace davit::sdk
