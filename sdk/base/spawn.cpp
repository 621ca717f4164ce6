// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/pipe.hpp"
#include "sdk/base/process.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>

namespace davit {

namespace {

// Sources of a spawn are lifted here, above every fixed target number.
constexpr int kSpawnFloor = 200;

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> list;
    list.reserve(strings.size() + 1);
    for (const std::string& one : strings) list.push_back(const_cast<char*>(one.c_str()));
    list.push_back(nullptr);
    return list;
}

int first_free(const Spawn& request) {
    int free = kSpawnFloor;
    for (const auto& placed : request.fds) free = std::max({free, placed.from + 1, placed.to + 1});
    return free;
}

Result<Child> spawn_plainly(const Spawn& request) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    // Two moves: a source that is itself a target must not be overwritten before it is copied, and
    // dup2 onto itself would clear close-on-exec of the host's own descriptor number only by luck.
    const int floor = first_free(request);
    int lifted = floor;
    for (const auto& placed : request.fds)
        ::posix_spawn_file_actions_adddup2(&actions, placed.from, lifted++);
    lifted = floor;
    for (const auto& placed : request.fds)
        ::posix_spawn_file_actions_adddup2(&actions, lifted++, placed.to);
    for (int number = floor; number < lifted; ++number)
        ::posix_spawn_file_actions_addclose(&actions, number);

    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    auto arguments = pointers(request.arguments);
    auto environment = pointers(request.environment);
    pid_t pid = -1;
    const int number = ::posix_spawn(&pid, request.path.c_str(), &actions, &attributes,
                                     arguments.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (number != 0) return os_error(number, "run " + request.path);
    return Child(pid, TRY(open_pidfd(pid)));  // not reaped yet, so the number is certainly its own
}

// What posix_spawn would do, in a copy of a process with threads: system calls and nothing else.
[[noreturn]] void become(const Spawn& request, char* const* arguments, char* const* environment,
                         int failure) {
    int lifted = first_free(request);
    const int floor = lifted;
    const int report =
        ::fcntl(failure, F_DUPFD_CLOEXEC, floor + static_cast<int>(request.fds.size()));
    for (const auto& placed : request.fds) ::dup3(placed.from, lifted++, O_CLOEXEC);
    lifted = floor;
    for (const auto& placed : request.fds) ::dup2(lifted++, placed.to);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();
    ::execve(request.path.c_str(), arguments, environment);
    const int number = errno;
    static_cast<void>(!::write(report, &number, sizeof number));
    ::_exit(127);
}

// posix_spawn cannot set a control group, and moving a process later waits for an RCU grace period.
Result<Child> spawn_into_group(const Spawn& request) {
    Pipe failure = TRY(make_pipe());
    auto arguments = pointers(request.arguments);
    auto environment = pointers(request.environment);
    int pidfd = -1;
    clone_args how{};
    how.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
    how.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    how.exit_signal = SIGCHLD;
    how.cgroup = static_cast<std::uint64_t>(request.group);
    const long pid = ::syscall(SYS_clone3, &how, sizeof how);
    if (pid < 0) return os_error("run " + request.path);
    if (pid == 0) become(request, arguments.data(), environment.data(), failure.write.get());
    Child child(static_cast<pid_t>(pid), Fd(pidfd));
    failure.write.reset();
    int number = 0;
    if (::read(failure.read.get(), &number, sizeof number) == static_cast<ssize_t>(sizeof number))
        return os_error(number, "run " + request.path);
    return child;
}

}  // namespace

Result<Child> spawn(const Spawn& request) {
    return request.group < 0 ? spawn_plainly(request) : spawn_into_group(request);
}

}  // namespace davit
