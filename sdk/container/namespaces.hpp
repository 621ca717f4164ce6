// SPDX-License-Identifier: Apache-2.0
// Processes in new namespaces, and entering those of others. For single-threaded processes only: a
// new process is a copy that goes on in the same code, as after fork(2). Used by the launcher and
// the unpacker.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <sys/types.h>
#include <cstdint>
#include <span>
#include <string_view>

namespace davit::sdk {

struct Cloned {
    pid_t pid = 0;  // 0 in the new process
    Fd pidfd;       // of the new process, in the old one
};
// clone3(2) with CLONE_NEW… flags and SIGCHLD at its end; no memory is shared. `group`: directory
// of a control group of version 2 for it; −1: the caller's.
Result<Cloned> clone_process(std::uint64_t flags, int group = -1);

// Enters namespaces: `fd` a namespace file or a pidfd, `flags` the CLONE_NEW… kinds. The pid
// namespace holds for children only; the user namespace is entered first by the kernel's own order.
Result<void> join_namespaces(int fd, int flags);
Result<void> leave_namespaces(int flags);  // unshare(2)

// Ids `container` … `container + count - 1` are `host` … outside.
struct IdRange {
    std::uint32_t container = 0;
    std::uint32_t host = 0;
    std::uint32_t count = 0;
};
// Writes the id maps of a process that has just been cloned with CLONE_NEWUSER. Once only; needs
// CAP_SETUID and CAP_SETGID in the parent namespace. `proc` is a trusted procfs.
Result<void> write_id_maps(int proc, pid_t pid, std::span<const IdRange> users,
                           std::span<const IdRange> groups);

Result<void> set_host_name(std::string_view name);
Result<void> set_domain_name(std::string_view name);

}  // namespace davit::sdk
