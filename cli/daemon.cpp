// SPDX-License-Identifier: Apache-2.0
#include "cli/daemon.hpp"

#include "cli/output.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/client/connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <climits>
#include <csignal>
#include <string>

namespace davit::cli {
namespace {

constexpr const char* kExecRoot = "/run/davit";
constexpr const char* kLogFile = "/run/davit/davitd.log";
constexpr const char* kLockFile = "/run/davit/start.lock";
constexpr int kReadyWait =
    5000;  // milliseconds; a daemon with thousands of containers recovers in less

bool listens() { return static_cast<bool>(sdk::Connection::open(kDefaultSocket)); }

std::string daemon_beside_us() {
    char path[PATH_MAX];
    const auto length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0) return {};
    std::string self(path, static_cast<std::size_t>(length));
    self.replace(self.rfind('/') + 1, std::string::npos, "davitd");
    return ::access(self.c_str(), X_OK) == 0 ? self : "";
}

// systemd's socket unit starts the daemon by itself; starting a second one would take its place.
bool systemd_owns_socket() {
    for (const auto* dir :
         {"/etc/systemd/system/", "/lib/systemd/system/", "/usr/lib/systemd/system/"})
        if (::access((std::string(dir) + "davit.socket").c_str(), F_OK) == 0)
            return ::access("/run/systemd/system", F_OK) == 0;
    return false;
}

// Starts the program with its log on stdout and stderr and the write end of a pipe as descriptor 3.
Result<pid_t> spawn(const std::string& program, int log, int ready) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, log, 1);
    posix_spawn_file_actions_adddup2(&actions, log, 2);
    posix_spawn_file_actions_adddup2(&actions, ready, 3);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    std::string name = "davitd", flag = "--ready-fd", number = "3";
    char* arguments[] = {name.data(), flag.data(), number.data(), nullptr};
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return os_error(error, "start " + program);
    return pid;
}

// "ready\n", or the end of the pipe when the daemon gave up.
Result<void> wait_ready(int fd) {
    char word[16];
    std::size_t have = 0;
    while (have < sizeof word &&
           std::string_view(word, have).find('\n') == std::string_view::npos) {
        pollfd wait{fd, POLLIN, 0};
        const int events = ::poll(&wait, 1, kReadyWait);
        if (events < 0 && errno == EINTR) continue;
        if (events == 0)
            return fail(Code::deadline, "start davitd: not ready after 5 seconds; its log is ",
                        kLogFile);
        const auto got = events < 0 ? -1 : ::read(fd, word + have, sizeof word - have);
        if (got <= 0)
            return fail(Code::unavailable, "start davitd: it ended at once; its log is ", kLogFile);
        have += static_cast<std::size_t>(got);
    }
    return {};
}

Result<void> start(const std::string& program) {
    Fd log(::open(kLogFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log) return os_error(std::string("open ") + kLogFile);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return os_error("create pipe");
    Fd read_end(ends[0]), write_end(ends[1]);
    // Descriptor 3 itself would keep O_CLOEXEC when duplicated onto itself.
    if (write_end.get() == 3) write_end.reset(::fcntl(3, F_DUPFD_CLOEXEC, 4));
    TRY(spawn(program, log.get(), write_end.get()));
    write_end.reset();
    TRY(wait_ready(read_end.get()));
    print_error("davit: started " + program + "; its log is " + kLogFile + "\n");
    return {};
}

}  // namespace

bool may_start_daemon() {
    return ::geteuid() == 0 && !daemon_beside_us().empty() && !systemd_owns_socket();
}

Result<void> start_daemon() {
    if (::mkdir(kExecRoot, 0711) < 0 && errno != EEXIST)
        return os_error(std::string("create ") + kExecRoot);
    Fd lock(::open(kLockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return os_error(std::string("open ") + kLockFile);
    while (::flock(lock.get(), LOCK_EX) < 0)
        if (errno != EINTR) return os_error(std::string("lock ") + kLockFile);
    if (listens()) return {};  // somebody else started it while we waited for the lock
    return start(daemon_beside_us());
}

}  // namespace davit::cli
