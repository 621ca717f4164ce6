// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/launch/launcher.hpp"

#include "drivers/exec/native/launch/container.hpp"
#include "drivers/exec/native/launch/package.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/pipe.hpp"
#include "sdk/base/process.hpp"
#include "sdk/container/cgroup.hpp"
#include "sdk/container/namespaces.hpp"
#include "sdk/monitor/monitor.hpp"
#include "sdk/monitor/record.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>

namespace davit::native {

namespace {

constexpr const char* kProtected = "-999";  // oom_score_adj: of all, the monitor goes last
constexpr int kRemoveTries = 50;  // 2 ms apart: a group is busy for moments after its last process
constexpr long kRemovePause = 2'000'000;

// Both sides of the process's standard streams.
struct Stdio {
    ChildStdio child;
    Fd input;
    Fd output;
    Fd errors;
};

class Launcher {
public:
    explicit Launcher(Fd channel) : channel_(std::move(channel)) {}

    // Everything up to the point where the program could be executed.
    Result<void> create() {
        package_ = std::make_unique<Package>(TRY(Package::receive(channel_.get())));
        const Package& package = *package_;
        record_.boot_id = TRY(package.text(package->boot_id));
        record_.group = TRY(package.text(package->group));
        record_.own_pids = (package->namespaces & CLONE_NEWPID) != 0;
        record_.tty = package.has(kTty);
        for (const GroupSpec& group : TRY(package.spec().list(package->groups)))
            groups_.push_back(TRY(package.text(group.path)));
        stdio_ = TRY(make_stdio());
        TRY(make_child());
        protect_self();
        TRY(open_log());
        control_ = TRY(sdk::listen_control(TRY(package.fd(package->state_directory))));
        TRY(await_ready());
        return keep_what_lasts();
    }

    Result<void> report_created() {
        sdk::ControlReply reply;
        reply.pid = record_.pid;
        reply.start_time = record_.start_time;
        std::vector<int> fds{process_.get()};
        if (network_) fds.push_back(network_.get());
        TRY(sdk::send_reply(channel_.get(), reply, fds));
        network_.reset();
        return {};
    }

    Result<void> monitor() {
        sdk::MonitorSetup setup;
        setup.state_directory = state_.get();
        setup.channel = std::move(channel_);
        setup.control = std::move(control_);
        setup.process = std::move(process_);
        setup.pid = record_.pid;
        setup.start_time = record_.start_time;
        setup.input = std::move(stdio_.input);
        setup.output = std::move(stdio_.output);
        setup.errors = std::move(stdio_.errors);
        setup.tty = record_.tty;
        setup.stdin_open = (flags_ & kStdin) != 0;
        setup.stdin_once = (flags_ & kStdinOnce) != 0;
        setup.hold = (flags_ & kHold) != 0;
        setup.log = std::move(log_);
        setup.memory_events = std::move(memory_events_);
        setup.start = [this] { return start(); };
        setup.after_exit = [this] {
            remove_groups();
            if ((flags_ & kHold) == 0) remove_control();
        };
        return sdk::Monitor(std::move(setup)).run();
    }

    // Takes back what `create` made, after it failed or the host went away before `start`.
    void undo() {
        if (process_) {
            static_cast<void>(send_signal(process_.get(), SIGKILL));
            static_cast<void>(wait_child(process_.get()));
        }
        remove_groups();
        for (const char* name : {"state.json", "seccomp"}) remove_file(name);
        remove_control();
    }
    void remove_control() { remove_file(sdk::kControlName); }
    // After `after_exit` the directory may be another launcher's; a held session's is its own to
    // the end.
    void remove_held_control() {
        if ((flags_ & kHold) != 0) remove_control();
    }

    const Fd& channel() const { return channel_; }

private:
    Result<Stdio> make_stdio() {
        Stdio stdio;
        if (package_->has(kTty)) return stdio;  // the child makes the terminal, in its own devpts
        if (package_->has(kStdin)) {
            Pipe input = TRY(make_pipe());
            stdio.child.input = std::move(input.read);
            stdio.input = std::move(input.write);
            TRY(own_pipe(stdio.child.input));
        } else {
            stdio.child.input = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
            if (!stdio.child.input) return os_error("open null device");
        }
        Pipe output = TRY(make_pipe());
        Pipe errors = TRY(make_pipe());
        stdio.child.output = std::move(output.write);
        stdio.child.errors = std::move(errors.write);
        TRY(own_pipe(stdio.child.output));
        TRY(own_pipe(stdio.child.errors));
        stdio.output = std::move(output.read);
        stdio.errors = std::move(errors.read);
        return stdio;
    }

    // The program's user may open its own /dev/stdout again. Done out here: inside a user namespace
    // nobody owns the pipes that we made.
    Result<void> own_pipe(const Fd& end) {
        std::uint32_t owner = (*package_)->process.uid;
        for (const IdRangeSpec& range : TRY(package_->spec().list((*package_)->user_map)))
            if (const std::uint32_t above = (*package_)->process.uid - range.container;
                above < range.count)
                owner = range.host + above;
        if (::fchown(end.get(), owner, static_cast<gid_t>(-1)) != 0)
            return os_error("own standard streams");
        return {};
    }

    Result<void> make_child() {
        const Package& package = *package_;
        SocketPair sync = TRY(make_socket_pair(SOCK_SEQPACKET));
        const int made = package.has(kSession) ? 0 : package->namespaces & ~CLONE_NEWCGROUP;
        if (package.has(kSession) && (package->namespaces & CLONE_NEWPID) != 0)
            TRY(sdk::join_namespaces(TRY(package.fd(package->target)),
                                     CLONE_NEWPID));  // for the child only
        for (const JoinSpec& join : TRY(package.spec().list(package->joins)))
            if (join.kind == CLONE_NEWPID)  // of another container, likewise
                TRY(sdk::join_namespaces(TRY(package.fd(join.fd)), CLONE_NEWPID));
        const int group =
            package->group_birthplace == kNoFd ? -1 : TRY(package.fd(package->group_birthplace));
        sdk::Cloned child = TRY(sdk::clone_process(static_cast<std::uint64_t>(made), group));
        if (child.pid == 0) {
            sync.ours.reset();
            channel_.reset();  // it must end with the launcher, not with the container
            stdio_.input.reset();
            stdio_.output.reset();
            stdio_.errors.reset();
            run_child(package, std::move(stdio_.child), sync.theirs);
        }
        stdio_.child = {};
        process_ = std::move(child.pidfd);
        sync_ = std::move(sync.ours);
        record_.pid = child.pid;
        Fd proc = TRY(open_directory("/proc", O_PATH));
        if ((made & CLONE_NEWUSER) != 0) TRY(map_ids(proc.get()));
        Fd score =
            TRY(open_beneath(proc.get(), std::to_string(child.pid) + "/oom_score_adj", O_WRONLY));
        return write_all(score.get(), std::to_string(package->process.oom_score_adj))
            .context("set oom_score_adj");
    }

    Result<void> map_ids(int proc) {
        const auto ranges = [&](List<IdRangeSpec> list) -> Result<std::vector<sdk::IdRange>> {
            std::vector<sdk::IdRange> found;
            for (const IdRangeSpec& range : TRY(package_->spec().list(list)))
                found.push_back({range.container, range.host, range.count});
            return found;
        };
        const auto users = TRY(ranges((*package_)->user_map));
        const auto groups = TRY(ranges((*package_)->group_map));
        TRY(sdk::write_id_maps(proc, record_.pid, users, groups));
        return tell_child();
    }

    Result<void> tell_child() {
        if (::send(sync_.get(), "g", 1, MSG_NOSIGNAL) != 1) return os_error("tell container");
        return {};
    }

    // Best effort: in a nested engine neither may be allowed, and the container runs without.
    void protect_self() {
        if (auto joins = package_->fds((*package_)->launch_joins))
            for (const int file : *joins) static_cast<void>(sdk::join_group(file));
        Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
        if (score) static_cast<void>(write_all(score.get(), kProtected));
    }

    Result<void> open_log() {
        const std::string path = TRY(package_->text((*package_)->log_path));
        if (path.empty()) return {};
        log_ = TRY(
            sdk::LogWriter::open(path, {(*package_)->log_max_bytes, (*package_)->log_max_files}));
        return {};
    }

    Result<void> await_ready() {
        auto ready = sdk::receive_answer(sync_.get());
        if (!ready && ready.error().code == Code::unavailable)
            return fail(Code::internal, "prepare container: its first process died");
        if (!ready) return std::move(ready).error();
        if (record_.tty) {
            if (ready->fds.size() != 1)
                return fail(Code::internal, "prepare container: its terminal did not come");
            stdio_.input = Fd(::fcntl(ready->fds[0].get(), F_DUPFD_CLOEXEC, 0));
            stdio_.output = std::move(ready->fds[0]);
            if (!stdio_.input) return os_error("keep terminal");
        }
        record_.start_time = TRY(process_start_time(record_.pid));
        if (((*package_)->namespaces & CLONE_NEWNET) != 0 && !package_->has(kSession)) {
            network_ = Fd(::open(("/proc/" + std::to_string(record_.pid) + "/ns/net").c_str(),
                                 O_RDONLY | O_CLOEXEC));
            if (!network_) return os_error("open network namespace");
        }
        return {};
    }

    // The rest of the package has done its work; a launcher is small.
    Result<void> keep_what_lasts() {
        Package& package = *package_;
        flags_ = package->flags;
        state_ = TRY(package.take(package->state_directory));
        if (package->root != kNoFd) root_ = TRY(package.take(package->root));
        if (package->memory_events != kNoFd)
            memory_events_ = TRY(package.take(package->memory_events));
        package_.reset();
        return {};
    }

    Result<void> start() {
        record_.launcher_pid = ::getpid();
        record_.launcher_start_time = TRY(process_start_time(::getpid()));
        TRY(sdk::write_state(state_.get(), record_));  // no running program is unknown
        TRY(tell_child());
        sdk::ControlReply reply;
        auto packet = receive_packet(sync_.get(), std::as_writable_bytes(std::span(&reply, 1)));
        sync_.reset();
        if (packet && packet->size == 0) return {};  // closed by execve
        if (!packet) return std::move(packet).error();
        reply.text[sdk::kMaxErrorText - 1] = '\0';
        return Error{static_cast<Code>(reply.code), reply.os_errno, reply.text};
    }

    void remove_groups() {
        for (const std::string& path : groups_)
            for (int attempt = 0;
                 attempt < kRemoveTries && ::rmdir(path.c_str()) != 0 && errno == EBUSY;
                 ++attempt) {
                // Without a pid namespace of its own nothing else ends what the program left.
                if (!record_.own_pids) kill_group(path);
                const timespec time{0, kRemovePause};
                ::nanosleep(&time, nullptr);
            }
        groups_.clear();
    }

    static void kill_group(const std::string& path) {
        std::ifstream list(path + "/cgroup.procs");
        for (pid_t pid = 0; list >> pid;)
            if (auto process = open_pidfd(pid))
                static_cast<void>(send_signal(process->get(), SIGKILL));
    }

    void remove_file(const char* name) {
        int directory = state_.get();
        if (directory < 0 && package_)
            if (auto given = package_->fd((*package_)->state_directory)) directory = *given;
        if (directory >= 0) ::unlinkat(directory, name, 0);
    }

    std::unique_ptr<Package> package_;
    Fd channel_;
    Fd control_;
    Fd process_;
    Fd sync_;
    Fd network_;
    Fd state_;
    Fd root_;  // held to the end: whoever drops the last reference pays for the sync of the file
               // system below
    Fd memory_events_;
    Stdio stdio_;
    sdk::LogWriter log_;
    sdk::StateRecord record_;
    std::vector<std::string> groups_;
    std::uint32_t flags_ = 0;
};

}  // namespace

int run_launcher(Fd channel) {
    Launcher launcher(std::move(channel));
    auto created = launcher.create();
    if (!created) {
        launcher.undo();
        static_cast<void>(
            sdk::send_reply(launcher.channel().get(), sdk::reply_of(created.error())));
        return 1;
    }
    if (!launcher.report_created()) {
        launcher.undo();
        return 1;
    }
    if (!launcher.monitor()) {
        launcher.undo();
        return 1;
    }
    launcher.remove_held_control();
    return 0;
}

}  // namespace davit::native
