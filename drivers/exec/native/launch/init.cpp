// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/launch/init.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

namespace davit::native {

namespace {

// Reaps whoever has ended; once it is the program, ends the container with its status.
void reap(pid_t program) {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
        if (pid == program)
            ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

[[noreturn]] void watch_over(pid_t program, const sigset_t& all) {
    ::prctl(PR_SET_NAME, "davit-init", 0, 0, 0);
    ::close_range(3, ~0u, 0);
    for (;;) {
        const int signal = ::sigwaitinfo(&all, nullptr);
        if (signal == SIGCHLD)
            reap(program);
        else if (signal > 0 && signal != SIGTTIN && signal != SIGTTOU)
            ::kill(program, signal);
    }
}

// A group of its own in the foreground, so that what the terminal sends reaches the program as it
// would without us.
void take_foreground(const sigset_t& before) {
    ::setpgid(0, 0);
    ::tcsetpgrp(0, ::getpid());  // fails without a terminal, and then does not matter
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

Result<void> split_off_init() {
    // Blocked in both until each has its place: SIGTTOU would stop the program at tcsetpgrp.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    // The container's filter is in force already, and the default one knows no clone3(2).
    const pid_t program = ::fork();
    if (program < 0) return os_error("create process");
    if (program == 0) {
        take_foreground(before);
        return {};
    }
    watch_over(program, all);
}

}  // namespace davit::native
