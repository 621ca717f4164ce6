// SPDX-License-Identifier: Apache-2.0
// How containers are found again after a restart, given up for lost, and removed.
#include "drivers/exec/native/native_driver.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <csignal>
#include <ctime>

namespace davit::native {

namespace {

constexpr const char* kSessions = "exec";
constexpr int kLeaveTimeout =
    10'000;  // ms for a launcher that was told to go; it kills, reaps and removes groups

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// A launcher that has written its record still removes groups and its socket; a new one of the same
// key must not meet it there. The socket closes when it is done.
Result<void> await_cleanup(const ProcessHandle& process) {
    auto connection = sdk::connect_control(process.directory.get());
    if (!connection) return {};
    pollfd closing{connection->get(), POLLIN, 0};
    if (::poll(&closing, 1, kLeaveTimeout) == 0)
        return fail(Code::busy, "its launcher does not finish");
    return {};
}

// An ended session that still listens holds output that nobody asked for, and would wait for ever.
// One that has a client goes by itself once it has delivered everything.
void drop_held(const ProcessHandle& session) {
    if (session.launcher && session.exit() && sdk::connect_control(session.directory.get()))
        static_cast<void>(send_signal(session.launcher.get(), SIGKILL));
}

// The engine ended between `create` and the answer to `start`. A launcher that was not told to
// start sees that and leaves, which closes its socket; one that was told writes its record first.
void await_decision(int directory) {
    constexpr int kLook = 5;  // ms between two looks for the record
    auto connection = sdk::connect_control(directory);
    if (!connection) return;
    for (int waited = 0; waited < kLeaveTimeout && !sdk::read_state(directory); waited += kLook) {
        pollfd closing{connection->get(), POLLIN, 0};
        if (::poll(&closing, 1, kLook) > 0) return;
    }
}

// What a process that lost its launcher ended with, if it became our child by that.
std::int32_t take_away(const Fd& process, std::int32_t otherwise) {
    pollfd ending{process.get(), POLLIN, 0};
    if (!process || ::poll(&ending, 1, kLeaveTimeout) <= 0) return otherwise;
    const auto status = wait_child(process.get());
    return status ? status->code : otherwise;
}

// One that has just done its work is given a moment to end, so that nothing of it stays until the
// next removal; one that lets a busy file system go takes longer and is met then.
void give_a_moment(const Fd& launcher) {
    constexpr int kMoment = 100;  // milliseconds
    if (!launcher) return;
    pollfd ending{launcher.get(), POLLIN, 0};
    static_cast<void>(::poll(&ending, 1, kMoment));
}

void remove_files(int directory) {
    for (const char* name : {"state.json", "exit.json", "seccomp", sdk::kControlName})
        ::unlinkat(directory, name, 0);
}

}  // namespace

Result<sdk::ExitRecord> NativeDriver::lost(const ProcessHandle& process) {
    constexpr std::int32_t kKilled = 128 + SIGKILL;
    if (process.session) {
        if (process.process) static_cast<void>(send_signal(process.process.get(), SIGKILL));
    } else {
        TRY(groups_->kill(process.group));
        static_cast<void>(groups_->remove(process.group));
    }
    sdk::ExitRecord record;
    record.code = take_away(process.process, kKilled);
    record.signal = record.code == kKilled ? SIGKILL : 0;
    record.monitor_lost = true;
    record.time_ns = now_ns();
    TRY(sdk::write_exit(process.directory.get(), record));
    ::unlinkat(process.directory.get(), sdk::kControlName, 0);
    return record;
}

// Nothing in memory is needed but what the state directory and the kernel say.
Result<ProcessPointer> NativeDriver::recover_process(Fd directory, bool session) {
    const sdk::StateRecord state = TRY(sdk::read_state(directory.get()));
    auto handle = std::make_shared<ProcessHandle>();
    handle->directory = std::move(directory);
    handle->pid = state.pid;
    handle->group = state.group;
    handle->session = session;
    handle->started = true;
    if (state.boot_id == boot_id_) {
        if (auto process = open_process(state.pid, state.start_time))
            handle->process = std::move(*process);
        if (auto launcher = open_process(state.launcher_pid, state.launcher_start_time))
            handle->launcher = std::move(*launcher);
    }
    if (handle->ended() && !handle->exit()) TRY(lost(*handle));
    return handle;
}

Result<davit_exec_process> NativeDriver::recover(const sdk::Call&,
                                                 const davit_exec_recover& request) {
    const std::string key = sdk::text(request.key);
    if (auto known = find(key)) return describe(*(*known)->first);
    Fd directory(::fcntl(request.state_fd, F_DUPFD_CLOEXEC, 0));
    if (!directory) return os_error("recover container " + key);
    if (!sdk::read_state(request.state_fd)) await_decision(request.state_fd);
    auto first = recover_process(std::move(directory), false);
    if (!first && first.error().code == Code::not_found) {
        static_cast<void>(groups_->kill(key));
        remove_files(request.state_fd);  // what a creation that never came to its start left
        static_cast<void>(groups_->remove(key));
    }
    if (!first) return std::move(first).error().context("recover container ", key);
    auto container = std::make_shared<ContainerHandle>();
    container->first = *first;
    container->group = (*first)->group;
    recover_sessions(*container);
    TRY(insert(key, container));
    return describe(*container->first);
}

void NativeDriver::recover_sessions(ContainerHandle& container) {
    auto sessions =
        open_beneath(container.first->directory.get(), kSessions, O_RDONLY | O_DIRECTORY);
    if (!sessions) return;
    auto names = list_names(sessions->get());
    if (!names) return;
    for (const std::string& name : *names) {
        auto directory = open_beneath(sessions->get(), name, O_RDONLY | O_DIRECTORY);
        if (!directory) continue;
        auto session = recover_process(std::move(*directory), true);
        if (session && !(*session)->ended()) {
            container.sessions[name] = *session;
            continue;
        }
        // It never ran, its record is damaged, or it has ended: who asked for it knew an engine
        // that is gone.
        if (session) drop_held(**session);
        static_cast<void>(remove_tree(sessions->get(), name));
    }
}

davit_exec_process NativeDriver::describe(const ProcessHandle& handle) {
    auto out = sdk::sized<davit_exec_process>();
    out.pid = handle.pid;
    out.netns_fd = -1;
    out.pid_fd = handle.process ? ::fcntl(handle.process.get(), F_DUPFD_CLOEXEC, 0) : -1;
    out.keeper_fd = handle.launcher ? ::fcntl(handle.launcher.get(), F_DUPFD_CLOEXEC, 0) : -1;
    out.state = handle.ended()   ? DAVIT_EXEC_EXITED
                : handle.started ? DAVIT_EXEC_RUNNING
                                 : DAVIT_EXEC_CREATED;
    return out;
}

Result<void> NativeDriver::remove(const sdk::Call&, const davit_exec_key& request) {
    const std::string key = sdk::text(request.key);
    const std::string session = sdk::text(request.session);
    reap_launchers();
    auto container = find(key);
    if (!container) return {};
    return session.empty() ? remove_container(key, **container)
                           : remove_session(**container, session);
}

Result<void> NativeDriver::remove_container(const std::string& key, ContainerHandle& container) {
    ProcessHandle& first = *container.first;
    if (!first.started) {
        first.channel
            .reset();  // the launcher takes the end of its channel for our death, and cleans up
        pollfd leaving{first.launcher.get(), POLLIN, 0};
        if (::poll(&leaving, 1, kLeaveTimeout) == 0)
            return fail(Code::busy, "remove container ", key, ": it does not go");
    } else if (!first.ended()) {
        return fail(Code::busy, "remove container ", key, ": it runs");
    }
    TRY(await_cleanup(first).context("remove container ", key));
    // A process that came in over another pid namespace, or outlived its own first process, goes
    // with its group.
    TRY(groups_->kill(container.group));
    TRY(groups_->remove(container.group));
    for (auto& [name, session] : container.sessions) drop_held(*session);
    TRY(remove_tree(first.directory.get(), kSessions));
    remove_files(first.directory.get());
    give_a_moment(first.launcher);
    {
        const std::lock_guard lock(mutex_);
        leaving_.push_back(std::move(first.launcher));
        for (auto& [name, session] : container.sessions)
            leaving_.push_back(std::move(session->launcher));
        containers_.erase(key);
    }
    reap_launchers();
    return {};
}

Result<void> NativeDriver::remove_session(ContainerHandle& container, const std::string& name) {
    const std::lock_guard lock(container.mutex);
    const auto found = container.sessions.find(name);
    if (found == container.sessions.end()) return {};
    if (!found->second->ended()) return fail(Code::busy, "remove session ", name, ": it runs");
    drop_held(*found->second);
    TRY(remove_tree(container.first->directory.get(), std::string(kSessions) + "/" + name));
    give_a_moment(found->second->launcher);
    {
        const std::lock_guard all(mutex_);
        leaving_.push_back(std::move(found->second->launcher));
    }
    container.sessions.erase(found);
    reap_launchers();
    return {};
}

// Launchers are our children until this process ends: each leaves a zombie that only we can take
// away. One that was recovered is somebody else's child, and counts as gone once it has ended.
void NativeDriver::reap_launchers() {
    const std::lock_guard lock(mutex_);
    std::erase_if(leaving_,
                  [](const Fd& launcher) { return !launcher || reap_child(launcher.get()); });
}

// Groups that nothing lives in any more: what an engine that was killed between two steps left.
// Busy ones stay.
void NativeDriver::sweep_leftovers() {
    auto groups = groups_->groups();
    if (!groups) return;
    for (const std::string& group : *groups) {
        auto inside = groups_->processes(group);
        if (inside && inside->empty()) static_cast<void>(groups_->remove(group));
    }
}

}  // namespace davit::native
