// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/process.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>

namespace davit {

namespace {

constexpr std::size_t kMaxStat = 4096;

Result<std::string> read_proc(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return os_error("open " + path);
    return read_all(file.get(), kMaxStat).context(path);
}

}  // namespace

Result<Fd> open_pidfd(pid_t pid) {
    Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd) return os_error("open process " + std::to_string(pid));
    return fd;
}

Result<std::uint64_t> process_start_time(pid_t pid) {
    const std::string doing = "read start of process " + std::to_string(pid);
    auto stat = read_proc("/proc/" + std::to_string(pid) + "/stat");
    if (!stat) return fail(Code::not_found, doing, ": no such process");
    // The second field is the command in parentheses and may hold anything; field 3 begins after
    // the last of them.
    std::size_t at = stat->rfind(')');
    for (int field = 2; field < 22 && at != std::string::npos; ++field)
        at = stat->find(' ', at + 1);
    if (at == std::string::npos) return fail(Code::corrupt, doing, ": unexpected format");
    return static_cast<std::uint64_t>(std::strtoull(stat->c_str() + at + 1, nullptr, 10));
}

Result<std::string> boot_id() {
    std::string id = TRY(read_proc("/proc/sys/kernel/random/boot_id"));
    while (!id.empty() && id.back() == '\n') id.pop_back();
    return id;
}

Result<Fd> open_process(pid_t pid, std::uint64_t start_time) {
    Fd fd = TRY(open_pidfd(pid));
    // The descriptor pins the process, so what /proc says now is about it, unless the process died
    // before the open.
    if (TRY(process_start_time(pid)) != start_time || !send_signal(fd.get(), 0))
        return fail(Code::not_found, "open process ", std::to_string(pid),
                    ": the number is another process's now");
    return fd;
}

Result<void> send_signal(int pidfd, int signal) {
    if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0)
        return os_error("send signal " + std::to_string(signal));
    return {};
}

bool has_ended(int pidfd) {
    pollfd one{pidfd, POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
}

Result<ExitStatus> wait_child(int pidfd) {
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED) != 0)
        if (errno != EINTR) {
            const int number = errno;
            return Error{number == ECHILD ? Code::not_found : code_of_errno(number), number,
                         "wait for child: " + errno_text(number)};
        }
    if (info.si_code == CLD_EXITED) return ExitStatus{info.si_status, 0};
    return ExitStatus{128 + info.si_status, info.si_status};
}

bool reap_child(int pidfd) {
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0)
        return has_ended(pidfd);
    return info.si_pid != 0;
}

Child& Child::operator=(Child&& other) noexcept {
    if (this != &other) {
        end();
        pid_ = std::exchange(other.pid_, -1);
        pidfd_ = std::move(other.pidfd_);
    }
    return *this;
}

void Child::end() {
    if (!pidfd_) return;
    static_cast<void>(send_signal(pidfd_.get(), SIGKILL));
    static_cast<void>(wait_child(pidfd_.get()));
    pidfd_.reset();
}

Result<ExitStatus> Child::wait() {
    auto status = wait_child(pidfd_.get());
    if (status) pidfd_.reset();
    return status;
}

}  // namespace davit
