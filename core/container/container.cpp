// SPDX-License-Identifier: Apache-2.0
#include "core/container/container.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace davit::container {

std::string_view status_name(Status status) {
    switch (status) {
        case Status::created: return "created";
        case Status::running: return "running";
        case Status::exited: return "exited";
        case Status::removed: return "removing";
    }
    return "dead";
}

Result<Status> parse_status(std::string_view name) {
    for (const Status status : {Status::created, Status::running, Status::exited, Status::removed})
        if (name == status_name(status)) return status;
    return fail(Code::corrupt, "read stored container: unknown status ", name);
}

std::string_view shown_status(const State& state) {
    if (state.restarting) return "restarting";
    return state.paused ? "paused" : status_name(state.status);
}

std::string Container::name() const {
    std::lock_guard lock(mutex_);
    return name_;
}

void Container::rename(std::string name) {
    std::lock_guard lock(mutex_);
    name_ = std::move(name);
}

Resources Container::resources() const {
    std::lock_guard lock(mutex_);
    return adjustable_.resources;
}

RestartPolicy Container::restart_policy() const {
    std::lock_guard lock(mutex_);
    return adjustable_.restart;
}

std::string Container::document() const {
    std::lock_guard lock(mutex_);
    return adjustable_.document;
}

void Container::adjust(Adjustable to) {
    std::lock_guard lock(mutex_);
    adjustable_ = std::move(to);
}

State Container::state() const {
    std::lock_guard lock(mutex_);
    return state_;
}

void Container::change(const std::function<void(State&)>& change) {
    {
        std::lock_guard lock(mutex_);
        change(state_);
    }
    changed_.notify_all();
}

Result<State> Container::wait_until(Cancel& cancel, const std::function<bool(const State&)>& over) {
    Cancel::Subscription wake(cancel, [this] {
        { std::lock_guard lock(mutex_); }
        changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return over(state_) || cancel.requested(); });
    if (!over(state_))
        return fail(Code::cancelled, "wait for container ", record_.id, ": cancelled");
    return state_;
}

State Container::wait_at_most(std::int64_t ns, const std::function<bool(const State&)>& over) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::nanoseconds(ns), [&] { return over(state_); });
    return state_;
}

std::shared_ptr<PendingAttach> Container::add_attach(std::uint32_t streams) {
    auto attach = std::make_shared<PendingAttach>();
    attach->streams = streams;
    std::lock_guard lock(mutex_);
    attaches_.push_back(attach);
    return attach;
}

Result<plugin::Streams> Container::wait_attach(Cancel& cancel,
                                               const std::shared_ptr<PendingAttach>& attach) {
    auto waited = wait_until(cancel, [&](const State& state) {
        return attach->done || state.status == Status::removed;
    });
    std::lock_guard lock(mutex_);
    std::erase(attaches_, attach);
    if (attach->done) return std::move(attach->outcome);
    if (!waited) return std::move(waited).error();
    return fail(Code::conflict, "attach to container ", record_.id, ": it was removed");
}

void Container::serve_attaches(
    const std::function<Result<plugin::Streams>(std::uint32_t streams)>& connect) {
    std::vector<std::shared_ptr<PendingAttach>> waiting;
    {
        std::lock_guard lock(mutex_);
        waiting = std::exchange(attaches_, {});
    }
    for (const auto& attach : waiting) {
        auto outcome = connect(attach->streams);  // calls the driver: not under the lock
        std::lock_guard lock(mutex_);
        attach->outcome = std::move(outcome);
        attach->done = true;
    }
    if (!waiting.empty()) changed_.notify_all();
}

void Container::end_attaches() {
    serve_attaches([](std::uint32_t) { return Result<plugin::Streams>(plugin::Streams{}); });
}

std::vector<network::EndpointSettings> Container::networks() const {
    std::lock_guard lock(mutex_);
    return networks_;
}

void Container::set_networks(std::vector<network::EndpointSettings> networks) {
    std::lock_guard lock(mutex_);
    networks_ = std::move(networks);
}

void Container::hold(SandboxPtr sandbox) {
    std::lock_guard lock(mutex_);
    sandbox_ = std::move(sandbox);
}

SandboxPtr Container::let_go() {
    std::lock_guard lock(mutex_);
    return std::exchange(sandbox_, nullptr);
}

SandboxPtr Container::sandbox() const {
    std::lock_guard lock(mutex_);
    return sandbox_;
}

std::vector<network::EndpointPtr> Container::endpoints() const {
    const SandboxPtr held = sandbox();
    return held ? held->endpoints() : std::vector<network::EndpointPtr>();
}

void Container::set_keeper(Fd keeper) {
    std::lock_guard lock(mutex_);
    keeper_ = std::move(keeper);
}

Fd Container::take_keeper() {
    std::lock_guard lock(mutex_);
    return std::move(keeper_);
}

void Container::set_process(Fd process) {
    std::lock_guard lock(mutex_);
    process_ = std::move(process);
}

Fd Container::process() const {
    std::lock_guard lock(mutex_);
    return process_ ? Fd(::fcntl(process_.get(), F_DUPFD_CLOEXEC, 0)) : Fd();
}

}  // namespace davit::container
