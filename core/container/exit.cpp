// SPDX-License-Identifier: Apache-2.0
// The end of a container's process, and the removal of a container.
#include "core/container/containers.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/process.hpp"

#include <fcntl.h>

#include <utility>

namespace davit::container {

namespace {

constexpr int kLogWarning = 2, kLogError = 3;  // DAVIT_LOG_…

}  // namespace

void Containers::watch_exit(const ContainerPtr& container, Fd exited) {
    auto watched = services_.watcher.when_readable(std::move(exited),
                                                   [this, container] { on_exit(container); });
    if (!watched)
        services_.log(kLogError,
                      "watch container " + container->id() + ": " + watched.error().what);
}

Result<void> Containers::when_gone(const Fd& keeper, std::function<void()> then) {
    Fd watched(::fcntl(keeper.get(), F_DUPFD_CLOEXEC, 0));
    auto own = std::make_shared<Fd>(::fcntl(keeper.get(), F_DUPFD_CLOEXEC, 0));
    if (!watched || !*own) return os_error("keep descriptor of a launcher");
    TRY(services_.watcher.when_readable(std::move(watched), [own, then = std::move(then)] {
        (void)reap_child(own->get());  // one that was recovered is another's child
        if (then) then();
    }));
    return {};
}

void Containers::on_exit(const ContainerPtr& container) {
    sdk::Caller call;
    const auto exec = services_.exec(container->record().exec_instance);
    auto record = exec ? exec->exit_record(call, container->id(), "")
                       : Result<plugin::ExitRecord>(Error(exec.error()));
    if (!record) {
        services_.log(kLogError,
                      "read the exit of container " + container->id() + ": " + record.error().what);
        record = plugin::ExitRecord{.code = 137, .monitor_lost = true};
    }
    record_exit(container, *record);
    if (!container->config().auto_remove) return;
    const ContainerLock lock = container->operate();
    // By a remove that came first; or it runs again, by a restart.
    if (container->state().status != Status::exited) return;
    auto removed = remove_locked(container, lock, OwnVolumes::remove);
    if (!removed) services_.log(kLogError, removed.error().what);
}

void Containers::record_exit(const ContainerPtr& container, const plugin::ExitRecord& record) {
    services_.ended(container);
    if (const SandboxPtr sandbox = container->let_go()) services_.networks.leave(*sandbox);
    const ContainerLock writing = container->write();
    container->set_process({});
    State state = container->state();
    state.status = Status::exited;
    state.paused = false;
    state.pid = 0;
    state.exit_code = record.code;
    state.out_of_memory = record.out_of_memory;
    state.finished_ns = record.time_ns;
    apply_policy(*container, state, Occasion::exit);
    state.sandbox.clear();
    if (record.monitor_lost)
        state.error = "the container's monitor was lost: its exit code is a guess";
    if (auto written = update_ended(services_.graph, container->id(), state); !written)
        services_.log(kLogError, "record the exit of container " + container->id() + ": " +
                                     written.error().what);
    container->change([&](State& live) {
        const bool by_user = live.killed_by_user;
        live = state;
        live.killed_by_user = by_user;
        live.restarting = live.restarting && !by_user;
    });
    if (record.out_of_memory) publish(*container, "oom");
    publish(*container, "die", {{"exitCode", std::to_string(record.code)}});
    publish_volumes(*container, "unmount");
    // Whoever waits for this end, as stop does, comes after its event.
    container->change([](State& live) { live.exits += 1; });
    if (container->state().restarting) restart_later(container);
}

namespace {

Error must_not_run(const Container& container, const State& state) {
    if (state.restarting)
        return fail(Code::conflict, "You cannot remove a restarting container ", container.id(),
                    ". Stop the container before attempting removal or force remove");
    return fail(Code::conflict, "cannot remove container \"/", container.name(),
                state.paused ? "\": container is paused and must be unpaused first"
                             : "\": container is running: stop the container before removing or "
                               "force remove");
}

}  // namespace

// A restart policy may start it between the look and the lock: then it is killed once more.
Result<void> Containers::remove(const std::shared_ptr<Cancel>& cancel,
                                const ContainerPtr& container, Removal how) {
    constexpr int kAttempts = 5;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const State state = container->state();
        const bool lives = state.status == Status::running || state.restarting;
        if (lives && !how.force) return must_not_run(*container, state);
        if (state.status == Status::running) {
            auto killed = kill(cancel, container, "SIGKILL");
            if (!killed && container->state().status == Status::running) return killed;
        }
        const ContainerLock lock = container->operate();
        TRY(stay_down(container, lock));
        const Status status = container->state().status;
        if (status == Status::removed) return {};  // --rm came first
        if (status != Status::running)
            return remove_locked(container, lock,
                                 how.volumes ? OwnVolumes::remove : OwnVolumes::keep);
    }
    return fail(Code::conflict, "remove container ", container->id(),
                ": it is started again and again");
}

// From here on the container is gone for everybody; its layer and directories follow once its root
// is let go.
Result<void> Containers::remove_locked(const ContainerPtr& container, const ContainerLock&,
                                       OwnVolumes volumes) {
    State state = container->state();
    state.status = Status::removed;
    TRY(update(services_.graph, container->id(), state)
            .context("remove container ", container->id()));
    container->change([](State& live) { live.status = Status::removed; });
    forget(container);
    if (volumes == OwnVolumes::remove) remove_volumes(*container);
    publish(*container, "destroy");
    reap(container);
    return {};
}

void Containers::reap(const ContainerPtr& container) {
    auto clear = [this, container] {
        sdk::Caller call;
        const std::string& id = container->id();
        const auto clear_up = [&]() -> Result<void> {
            TRY(TRY(services_.exec(container->record().exec_instance)).remove(call, id, ""));
            const plugin::Storage storage =
                TRY(services_.storage(container->record().storage_instance));
            TRY(storage.release(call, id));
            TRY(storage.remove(call, id));
            TRY(remove_tree(services_.runtime_fd.get(), id));
            TRY(remove_tree(services_.directory_fd.get(), id));
            // A crash may have come between the row and these.
            if (container->config().auto_remove) remove_volumes(*container);
            TRY(erase(services_.graph, id));
            // Its image may have been removed before it, and left the layers that it lay on.
            const Record& record = container->record();
            if (!services_.image(record.image, record.storage_instance)) services_.collect_layers();
            return {};
        };
        // The row stays, marked, and the next start of the daemon tries again.
        if (auto cleared = clear_up(); !cleared)
            services_.log(kLogWarning, "clear up container " + id + ": " + cleared.error().what);
    };
    Fd keeper = container->take_keeper();
    if (keeper) {
        if (services_.watcher.when_readable(std::move(keeper), clear)) return;
    }
    services_.pool.post(clear);
}

}  // namespace davit::container
