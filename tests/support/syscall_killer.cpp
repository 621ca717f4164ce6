// SPDX-License-Identifier: Apache-2.0
// syscall_killer PID [N]: counts the system calls of a process's own threads by ptrace, and kills
// it before the N-th. Without N it only counts. Children that the process starts are left alone.
//
// Prints "ready" once every thread is traced. On SIGTERM, or when the process ends, it prints
// "COUNT calls" or "killed before call N (number NR)", and ends; the process runs on untraced.

#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

namespace {

volatile sig_atomic_t finished = 0;

void finish(int) { finished = 1; }

/// The ids of the process's threads now; empty once it is gone.
std::set<pid_t> threads_of(pid_t process) {
    std::set<pid_t> found;
    const std::string path = "/proc/" + std::to_string(process) + "/task";
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return found;
    while (const dirent* entry = ::readdir(directory)) {
        const int thread = std::atoi(entry->d_name);
        if (thread > 0) found.insert(thread);
    }
    ::closedir(directory);
    return found;
}

/// Traces every thread. New ones may begin meanwhile: repeated until a look finds no untraced one.
bool seize(pid_t process) {
    constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
    std::set<pid_t> traced;
    for (bool found = true; found;) {
        found = false;
        for (const pid_t thread : threads_of(process)) {
            if (!traced.insert(thread).second) continue;
            found = true;
            if (::ptrace(PTRACE_SEIZE, thread, nullptr, kOptions) == 0)
                ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
            else if (errno != ESRCH &&
                     errno != EPERM)  // EPERM: traced already, as the child of a traced one
                return false;
        }
    }
    return !traced.empty();
}

class Count {
public:
    Count(pid_t process, long last) : process_(process), last_(last) {}

    /// Handles one stop of a thread. True when the process was killed.
    bool on_stop(pid_t thread, int status) {
        const int signal = WSTOPSIG(status);
        const int event = status >> 16;
        if (signal == (SIGTRAP | 0x80)) return on_call(thread);
        if (event == PTRACE_EVENT_STOP && is_group_stop(signal)) {
            ::ptrace(PTRACE_LISTEN, thread, nullptr, nullptr);
            return false;
        }
        if (event == PTRACE_EVENT_STOP && !threads_of(process_).contains(thread)) {
            // A process, not a thread: clone without SIGCHLD counts as a thread for the tracer.
            ::ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
            return false;
        }
        const int delivered = event != 0 ? 0 : signal;
        ::ptrace(PTRACE_SYSCALL, thread, nullptr, static_cast<long>(delivered));
        return false;
    }

    void print_result() const {
        if (killed_)
            std::printf("killed before call %ld (number %lld)\n", calls_, number_);
        else
            std::printf("%ld calls\n", calls_);
        std::fflush(stdout);
    }

private:
    static bool is_group_stop(int signal) {
        return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
    }

    bool on_call(pid_t thread) {
        __ptrace_syscall_info info{};
        ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY && ++calls_ == last_) {
            number_ = static_cast<long long>(info.entry.nr);
            killed_ = true;
            ::kill(process_, SIGKILL);
            return true;
        }
        ::ptrace(PTRACE_SYSCALL, thread, nullptr, nullptr);
        return false;
    }

    pid_t process_;
    long last_;
    long calls_ = 0;
    long long number_ = -1;
    bool killed_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: syscall_killer PID [N]\n");
        return 2;
    }
    const pid_t process = std::atoi(argv[1]);
    Count count(process, argc == 3 ? std::atol(argv[2]) : -1);
    struct sigaction action {};
    action.sa_handler = finish;  // without SA_RESTART: wait must return
    ::sigaction(SIGTERM, &action, nullptr);
    if (!seize(process)) {
        std::perror("syscall_killer: trace");
        return 1;
    }
    std::puts("ready");
    std::fflush(stdout);
    while (finished == 0) {
        int status = 0;
        const pid_t thread = ::waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR) continue;
        if (thread < 0) break;  // nothing left to trace
        if (WIFSTOPPED(status) && count.on_stop(thread, status)) break;
    }
    count.print_result();
    return 0;  // ending detaches every thread
}
