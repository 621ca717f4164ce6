// SPDX-License-Identifier: Apache-2.0
#include "sdk/contract/crash.hpp"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <csignal>

namespace davit::sdk::contract {
namespace {

// Calls that read, wait, or change the process alone.
constexpr std::array kHarmless{
    SYS_read,
    SYS_pread64,
    SYS_close,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_lseek,
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_poll,
    SYS_ppoll,
    SYS_recvmsg,
    SYS_recvfrom,
    SYS_socket,
    SYS_bind,
    SYS_getsockname,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_fcntl,
    SYS_dup,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_clone3,
    SYS_clone,
    SYS_setns,
    SYS_unshare,
    SYS_prctl,
    SYS_rseq,
    SYS_set_robust_list,
    SYS_set_tid_address,
    SYS_exit,
    SYS_exit_group,
    SYS_getpid,
    SYS_gettid,
    SYS_getdents64,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_sched_yield,
    SYS_eventfd2,
    SYS_getrandom,
    SYS_restart_syscall,
};

bool may_change(long call) {
    return std::find(kHarmless.begin(), kHarmless.end(), call) == kHarmless.end();
}

[[noreturn]] void run_traced(const std::function<bool()>& prepare,
                             const std::function<bool()>& operation) {
    if (!prepare() || ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    ::_exit(operation() ? 0 : 1);  // no clean end: that of a process is all a driver may count on
}

// Whether the thread stopped at the entry of a call that counts.
bool is_at_point(pid_t thread) {
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
    return info.op == PTRACE_SYSCALL_INFO_ENTRY && may_change(static_cast<long>(info.entry.nr));
}

void kill_all(pid_t process) {
    ::kill(process, SIGKILL);
    for (int status = 0;;) {
        const pid_t ended = ::waitpid(-1, &status, __WALL);
        if (ended < 0 || (ended == process && !WIFSTOPPED(status))) return;
    }
}

}  // namespace

Ending run_and_kill(const std::function<bool()>& prepare, const std::function<bool()>& operation,
                    int point) {
    const pid_t child = ::fork();
    if (child == 0) run_traced(prepare, operation);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) return Ending::failed;
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr,
             PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    for (int count = 0;;) {
        const pid_t thread = ::waitpid(-1, &status, __WALL);
        if (thread < 0) return Ending::failed;
        if (!WIFSTOPPED(status)) {
            if (thread != child) continue;
            const bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
            return done ? Ending::succeeded : Ending::failed;
        }
        const int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80) && is_at_point(thread) && count++ == point) {
            kill_all(child);
            return Ending::killed;
        }
        // A new thread begins with SIGSTOP; clone itself stops with SIGTRAP.
        const bool is_ours = (signal & ~0x80) == SIGTRAP || signal == SIGSTOP;
        ::ptrace(PTRACE_SYSCALL, thread, nullptr, static_cast<long>(is_ours ? 0 : signal));
    }
}

}  // namespace davit::sdk::contract
