// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/namespaces.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <csignal>
#include <string>

namespace davit::sdk {

namespace {

Result<void> write_map(int proc, const std::string& path, std::span<const IdRange> ranges) {
    std::string text;
    for (const IdRange& range : ranges)
        text += std::to_string(range.container) + " " + std::to_string(range.host) + " " +
                std::to_string(range.count) + "\n";
    Fd file = TRY(open_beneath(proc, path, O_WRONLY));
    return write_all(file.get(), text)
        .context("write ", path);  // the kernel wants the whole map in one write
}

}  // namespace

Result<Cloned> clone_process(std::uint64_t flags, int group) {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    if (group >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(group);
    }
    const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0) return os_error("create process");
    if (pid == 0) return Cloned{};
    return Cloned{static_cast<pid_t>(pid), Fd(pidfd)};  // CLONE_PIDFD descriptors are close-on-exec
}

Result<void> join_namespaces(int fd, int flags) {
    if (::setns(fd, flags) != 0) return os_error("join namespaces");
    return {};
}

Result<void> leave_namespaces(int flags) {
    if (::unshare(flags) != 0) return os_error("create namespaces");
    return {};
}

Result<void> write_id_maps(int proc, pid_t pid, std::span<const IdRange> users,
                           std::span<const IdRange> groups) {
    const std::string directory = std::to_string(pid) + "/";
    TRY(write_map(proc, directory + "uid_map", users));
    return write_map(proc, directory + "gid_map", groups);
}

Result<void> set_host_name(std::string_view name) {
    if (::sethostname(name.data(), name.size()) != 0) return os_error("set host name");
    return {};
}

Result<void> set_domain_name(std::string_view name) {
    if (::setdomainname(name.data(), name.size()) != 0) return os_error("set domain name");
    return {};
}

}  // namespace davit::sdk
