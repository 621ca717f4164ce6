// SPDX-License-Identifier: Apache-2.0
// Processes by descriptor: spawned, found again, signalled and waited for without ever trusting a
// bare pid. Used by exec drivers, the unpacker's caller and core. No state; any thread.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <sys/types.h>
#include <cstdint>
#include <string>
#include <vector>

namespace davit {

// A pidfd of `pid`. Errors: not_found when there is no such process.
Result<Fd> open_pidfd(pid_t pid);

// Clock ticks after boot at which `pid` began: field 22 of /proc/<pid>/stat. With pid and boot id
// it names a process for ever. Errors: not_found.
Result<std::uint64_t> process_start_time(pid_t pid);

// The kernel's random id of this boot.
Result<std::string> boot_id();

// A pidfd of exactly the process that began at `start_time`. Errors: not_found when the pid is free
// or another's.
Result<Fd> open_process(pid_t pid, std::uint64_t start_time);

// Errors: not_found once the process has ended and been reaped.
Result<void> send_signal(int pidfd, int signal);

// Whether the process is a zombie or gone. Never waits.
bool has_ended(int pidfd);

struct ExitStatus {
    int code = 0;    // of exit(2); 128 + signal after a signal
    int signal = 0;  // 0: it exited by itself
};
// Waits for a child of ours and reaps it. Errors: not_found (ECHILD) when it is another's child or
// reaped already.
Result<ExitStatus> wait_child(int pidfd);
// Reaps it if it has ended; false when it still runs. A child that somebody else reaped counts as
// ended.
bool reap_child(int pidfd);

// A child of ours. Killed and reaped on destruction unless it was handed on.
class [[nodiscard]] Child {
public:
    Child() = default;
    Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
    Child(Child&&) noexcept = default;
    Child& operator=(Child&& other) noexcept;
    ~Child() { end(); }

    pid_t pid() const { return pid_; }
    int pidfd() const { return pidfd_.get(); }
    Result<ExitStatus> wait();
    // From here on somebody else kills and reaps it, by the descriptor returned.
    [[nodiscard]] Fd detach() { return std::move(pidfd_); }

private:
    void end();
    pid_t pid_ = -1;
    Fd pidfd_;
};

struct Spawn {
    std::string path;
    std::vector<std::string> arguments;    // with argv[0]
    std::vector<std::string> environment;  // "NAME=value"
    // Descriptor `from` becomes `to` in the child. Targets are small fixed numbers; sources that
    // lie among them are moved out of the way first. Nothing else that is close-on-exec survives.
    struct Placed {
        int from;
        int to;
    };
    std::vector<Placed> fds;
    int group = -1;  // directory of a control group of version 2 to begin in; −1: the caller's
};
// posix_spawn in a session of its own, with default signal actions and an empty signal mask. Safe
// in a process with threads. Errors: those of execve.
Result<Child> spawn(const Spawn& request);

}  // namespace davit
