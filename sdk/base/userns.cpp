// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/userns.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <memory>
#include <string>

namespace davit {
namespace {

// Shares our memory and, until it is killed, nothing else: it touches neither stack variables nor
// errno of anybody.
int wait_to_be_killed(void*) {
    for (;;) ::syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
}

// A process that is there for its user namespace alone. Without an exit signal no other waiter sees
// it; with every signal blocked no handler of ours runs in it.
class Holder {
public:
    static Result<Holder> start() {
        Holder holder;
        sigset_t all, before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        int pidfd = -1;
        holder.pid_ =
            ::clone(wait_to_be_killed, holder.stack_->data() + holder.stack_->size(),
                    CLONE_NEWUSER | CLONE_VM | CLONE_PIDFD, nullptr, &pidfd, nullptr, nullptr);
        const int error = errno;
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        if (holder.pid_ < 0) return os_error(error, "make user namespace");
        holder.pidfd_ = Fd(pidfd);
        return holder;
    }
    Holder(Holder&&) = default;
    ~Holder() {
        if (!pidfd_) return;
        ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
        siginfo_t ended;
        while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &ended, WEXITED | __WALL) != 0 &&
               errno == EINTR) {
        }
    }
    std::string directory() const { return "/proc/" + std::to_string(pid_); }

private:
    static constexpr std::size_t kStack = 16 * 1024;
    Holder() : stack_(std::make_unique<std::array<char, kStack>>()) {}
    std::unique_ptr<std::array<char, kStack>> stack_;
    pid_t pid_ = -1;
    Fd pidfd_;
};

Result<void> write_map(int directory, const char* name, const std::vector<IdRange>& ranges) {
    std::string text;
    for (const IdRange& range : ranges)
        text += std::to_string(range.inside) + " " + std::to_string(range.outside) + " " +
                std::to_string(range.count) + "\n";
    const Fd file(::openat(directory, name, O_WRONLY | O_CLOEXEC));
    if (!file) return os_error(std::string("open ") + name);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return os_error(std::string("write ") + name);
    return {};
}

}  // namespace

Result<Fd> make_user_namespace(const std::vector<IdRange>& users,
                               const std::vector<IdRange>& groups) {
    if (users.empty() || groups.empty())
        return fail(Code::invalid, "make user namespace: it maps no ids");
    const Holder holder = TRY(Holder::start());
    const Fd process = TRY(open_directory(holder.directory(), O_PATH));
    TRY(write_map(process.get(), "uid_map", users));
    TRY(write_map(process.get(), "gid_map", groups));
    Fd name_space(::openat(process.get(), "ns/user", O_RDONLY | O_CLOEXEC));
    if (!name_space) return os_error("open user namespace");
    return name_space;
}

}  // namespace davit
