// SPDX-License-Identifier: Apache-2.0
// The system calls that each process of davit-unpack is left with.
#pragma once

#include <cstdint>

namespace davit::unpack {

// What all need to live: memory, waiting, ending.
#define DAVIT_UNPACK_COMMON_CALLS                                                            \
    "read", "write", "close", "brk", "mmap", "munmap", "mremap", "madvise", "futex", "exit", \
        "exit_group", "rt_sigreturn", "restart_syscall", "clock_gettime"
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// The sanitizers' own: leak checks walk the process by a traced clone of it.
#define DAVIT_UNPACK_SANITIZER_CALLS                                                               \
    , "sigaltstack", "rt_sigaction", "rt_sigprocmask", "sched_yield", "getpid", "gettid",          \
        "mprotect", "clone", "prctl", "ptrace", "wait4", "openat", "readlink", "fstat",            \
        "newfstatat", "getdents64", "sched_getaffinity", "gettimeofday", "getrlimit", "prlimit64", \
        "tgkill", "pipe2", "lseek"
inline constexpr bool kSanitized = true;
#else
#define DAVIT_UNPACK_SANITIZER_CALLS
inline constexpr bool kSanitized = false;
#endif
#define DAVIT_UNPACK_READING_CALLS                                                                 \
    DAVIT_UNPACK_COMMON_CALLS DAVIT_UNPACK_SANITIZER_CALLS, "openat", "openat2", "readlinkat",     \
        "lseek", "fstat", "newfstatat", "statx", "getdents64", "fchdir", "getcwd", "fcntl", "dup", \
        "sendmsg", "recvmsg", "sendto", "recvfrom", "getrandom"

// Hashes and inflates a stream.
inline constexpr const char* kInflaterCalls[] = {
    DAVIT_UNPACK_COMMON_CALLS DAVIT_UNPACK_SANITIZER_CALLS};

// Looks at files and packs them.
inline constexpr const char* kReadingCalls[] = {DAVIT_UNPACK_READING_CALLS, "flistxattr",
                                                "fgetxattr", "fstatfs"};

// Makes what an archive describes.
inline constexpr const char* kWritingCalls[] = {
    DAVIT_UNPACK_READING_CALLS,
    "mkdirat",
    "mknodat",
    "symlinkat",
    "linkat",
    "unlinkat",
    "pwrite64",
    "ftruncate",
    "fchown",
    "fchownat",
    "fchmod",
    "utimensat",
    "fsetxattr",
    "renameat",
    "renameat2",
    "wait4",
};

// Address space means nothing under a sanitizer, whose shadow takes terabytes of it.
inline std::uint64_t address_space(std::uint64_t bytes) { return kSanitized ? 0 : bytes; }

}  // namespace davit::unpack
