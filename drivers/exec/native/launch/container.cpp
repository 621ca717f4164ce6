// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/launch/container.hpp"

#include "drivers/exec/native/launch/furnish.hpp"
#include "drivers/exec/native/launch/program.hpp"
#include "sdk/base/netns.hpp"
#include "sdk/base/pipe.hpp"
#include "sdk/container/cgroup.hpp"
#include "sdk/container/namespaces.hpp"
#include "sdk/container/procfs.hpp"
#include "sdk/container/terminal.hpp"
#include "sdk/monitor/control.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <csignal>

namespace davit::native {

namespace {

constexpr int kNotFoundExit = 127;  // as shells have it
constexpr int kDeniedExit = 126;

Result<void> await_word(const Fd& sync) {
    char word;
    if (::read(sync.get(), &word, 1) == 1) return {};
    return fail(Code::cancelled, "start container: the launcher went away");
}

Result<void> join_groups(const Package& package) {
    for (const int file : TRY(package.fds(package->group_joins))) TRY(sdk::join_group(file));
    return {};
}

Result<void> enter_namespaces(const Package& package, const Fd& sync) {
    if ((package->namespaces & CLONE_NEWUSER) != 0) {
        TRY(await_word(sync));  // the launcher has written the id maps
        if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0 || ::setgroups(0, nullptr) != 0)
            return os_error("become root of the user namespace");
    }
    for (const JoinSpec& join : TRY(package.spec().list(package->joins)))
        if (join.kind != CLONE_NEWPID)  // that one we were born into
            TRY(sdk::join_namespaces(TRY(package.fd(join.fd)), join.kind));
    // Only now: the root of the new cgroup namespace is where this process is, which is the
    // container's group.
    if ((package->namespaces & CLONE_NEWCGROUP) != 0) TRY(sdk::leave_namespaces(CLONE_NEWCGROUP));
    return {};
}

Result<void> set_names_and_sysctls(const Package& package) {
    if (package->host_name.length != 0)
        TRY(sdk::set_host_name(TRY(package.spec().text(package->host_name))));
    if (package->domain_name.length != 0)
        TRY(sdk::set_domain_name(TRY(package.spec().text(package->domain_name))));
    const auto sysctls = TRY(package.spec().list(package->sysctls));
    if (sysctls.empty()) return {};
    const sdk::ProcHandle proc = TRY(sdk::ProcHandle::open());
    for (const SysctlSpec& sysctl : sysctls)
        TRY(proc.write(TRY(package.text(sysctl.path)), TRY(package.text(sysctl.value))));
    return {};
}

// Keys of the host's session stay with the host.
Result<void> leave_keyring() {
    if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS)
        return os_error("make session keyring");
    return {};
}

// The program's user may open its own /dev/tty and /dev/stdout again.
Result<void> own_terminal(const Package& package, const Fd& slave) {
    struct stat status {};
    if (::fstat(slave.get(), &status) != 0) return os_error("stat terminal");
    if (::fchown(slave.get(), package->process.uid, status.st_gid) != 0)
        return os_error("own terminal");
    return {};
}

class ChildRun {
public:
    ChildRun(const Package& package, ChildStdio stdio, const Fd& sync)
        : package_(package), stdio_(std::move(stdio)), sync_(sync) {}

    Result<void> prepare() {
        ::setsid();
        TRY(join_groups(package_));
        if (package_.has(kSession)) {
            TRY(enter_container());
        } else {
            TRY(enter_namespaces(package_, sync_));
            if ((package_->namespaces & CLONE_NEWNET) != 0) TRY(set_loopback_up());
            TRY(set_names_and_sysctls(package_));
            TRY(build_root());
        }
        TRY(leave_keyring());
        return connect_stdio();
    }

    Result<void> report_ready() {
        std::vector<int> fds;
        if (terminal_.master) fds.push_back(terminal_.master.get());
        TRY(sdk::send_reply(sync_.get(), {}, fds));
        terminal_.master.reset();
        return {};
    }

private:
    // The pid namespace was joined by the launcher: it holds for children. The rest in the kernel's
    // own order.
    Result<void> enter_container() {
        const int others = package_->namespaces & ~CLONE_NEWPID;
        if (others != 0) TRY(sdk::join_namespaces(TRY(package_.fd(package_->target)), others));
        if ((package_->namespaces & CLONE_NEWUSER) != 0 &&
            (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0))
            return os_error("become root of the user namespace");
        if (!package_.has(kTty)) return {};
        Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!root) return os_error("open root");
        terminal_ = TRY(sdk::open_terminal(root.get()));
        return {};
    }

    Result<void> build_root() {
        sdk::Root root = TRY(furnish_root(package_));
        if (package_.has(kTty)) {
            terminal_ = TRY(sdk::open_terminal(root.fd()));
            TRY(sdk::show_console(root, terminal_));
        }
        TRY(close_root(package_, root));
        return root.enter();
    }

    Result<void> connect_stdio() {
        if (package_.has(kTty)) {
            TRY(sdk::resize_terminal(terminal_.master.get(), package_->process.rows,
                                     package_->process.columns));
            TRY(own_terminal(package_, terminal_.slave));
            TRY(sdk::take_terminal(terminal_.slave));
            terminal_.slave.reset();
        } else {
            const int sources[] = {stdio_.input.get(), stdio_.output.get(), stdio_.errors.get()};
            for (int number = 0; number <= 2; ++number)
                if (::dup2(sources[number], number) < 0)
                    return os_error("connect standard streams");
            stdio_ = {};
        }
        return {};
    }

    const Package& package_;
    ChildStdio stdio_;
    const Fd& sync_;
    sdk::Terminal terminal_;
};

[[noreturn]] void give_up(const Fd& sync, const Error& error) {
    static_cast<void>(sdk::send_reply(sync.get(), sdk::reply_of(error)));
    ::_exit(error.code == Code::not_found ? kNotFoundExit : kDeniedExit);
}

}  // namespace

void run_child(const Package& package, ChildStdio stdio, const Fd& sync) {
    ::signal(SIGPIPE, SIG_DFL);
    ChildRun run(package, std::move(stdio), sync);
    if (auto done = run.prepare(); !done) give_up(sync, done.error());
    if (auto done = run.report_ready(); !done) ::_exit(kDeniedExit);
    if (!await_word(sync)) ::_exit(kDeniedExit);
    give_up(sync, become_program(package));
}

}  // namespace davit::native
