// SPDX-License-Identifier: Apache-2.0
// What the daemon does with the containers of its graph when it comes up.
#include "core/container/containers.hpp"
#include "core/container/networking.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>

#include <chrono>
#include <map>
#include <set>
#include <utility>

namespace davit::container {

namespace {

constexpr int kLogInfo = 1, kLogWarning = 2;  // DAVIT_LOG_…

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// Directories of containers that the graph does not know: a crash between making one and writing
// the row.
void remove_unknown(int directory, const std::set<std::string>& known) {
    const auto names = list_names(directory);
    if (!names) return;
    for (const std::string& name : *names)
        if (!known.contains(name)) (void)remove_tree(directory, name);
}

// None when it has ended since it was looked for.
Fd network_namespace_of(std::int64_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
    return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

// What the exec driver finds of a container. `not_found`: its program never ran; `unavailable`:
// there is nothing to look at, as after a boot.
Result<plugin::Process> Containers::look_for(const Record& record) {
    const plugin::Exec exec = TRY(services_.exec(record.exec_instance));
    sdk::Caller call;
    auto runtime = open_beneath(services_.runtime_fd.get(), record.id, O_RDONLY | O_DIRECTORY);
    if (!runtime) return fail(Code::unavailable, "no runtime directory");
    plugin::Process process = TRY(exec.recover(call, record.id, runtime->get()));
    if (process.state != DAVIT_EXEC_CREATED) return process;
    TRY(exec.remove(call, record.id, ""));
    return fail(Code::not_found, "it was created and not started");
}

// Makes the container what its process says that it is.
Result<void> Containers::adopt(const ContainerPtr& container, Result<plugin::Process> process) {
    const bool was_running = container->state().status == Status::running;
    if (!process) {
        if (was_running && process.error().code == Code::not_found) return put_back(container);
        if (was_running)
            record_exit(container, {.code = 137, .monitor_lost = true, .time_ns = now_ns()});
        const Code code = process.error().code;
        if (code == Code::not_found || code == Code::unavailable) return {};
        return std::move(process).error();
    }
    if (process->keeper) TRY(when_gone(process->keeper, {}));
    container->set_keeper(std::move(process->keeper));
    const plugin::Exec exec = TRY(services_.exec(container->record().exec_instance));
    sdk::Caller call;
    if (process->state == DAVIT_EXEC_EXITED) {
        if (!was_running) return {};  // written down before the daemon ended
        record_exit(container, TRY(exec.exit_record(call, container->id(), "")));
        return {};
    }
    container->set_process(std::move(process->pid_fd));
    container->change([&](State& live) {
        live.status = Status::running;
        live.pid = process->pid;
        if (live.started_ns == 0) live.started_ns = now_ns();
    });
    watch_exit(container, TRY(exec.wait(call, container->id(), "")));
    services_.runs(container);
    return {};
}

// It had ended before the daemon did, or could not be waited for.
void Containers::revive(const ContainerPtr& container) {
    State state = container->state();
    if (state.status != Status::exited || state.restarting) return;
    apply_policy(*container, state, Occasion::daemon_start);
    if (!state.restarting) return;
    container->change([&](State& live) {
        live.restarting = true;
        live.restart_delay_ns = state.restart_delay_ns;
    });
    restart_later(container);
}

// The row said "running" but the daemon ended before the program ran: nobody was told that it does.
Result<void> Containers::put_back(const ContainerPtr& container) {
    constexpr int kNotStarted = 128;  // Docker's code of a start that came to nothing
    State state = container->state();
    state.status = state.finished_ns == 0 ? Status::created : Status::exited;
    state.pid = 0;
    state.exit_code = kNotStarted;
    state.error = "the daemon ended while it was being started";
    state.sandbox.clear();
    container->change([&](State& live) { live = state; });
    return update_ended(services_.graph, container->id(), state);
}

Result<void> Containers::recover() {
    struct Found {
        ContainerPtr container;
        Result<plugin::Process> process;
        std::vector<network::EndpointPtr> endpoints;
    };
    std::vector<Row> rows = TRY(load(services_.graph));
    std::set<std::string> known;
    std::vector<Found> all;
    for (Row& row : rows) {
        known.insert(row.record.id);
        Config config =
            TRY(parse_stored(row.record.json).context("recover container ", row.record.id));
        all.push_back({std::make_shared<Container>(row.record, std::move(config), row.state,
                                                   std::move(row.networks)),
                       look_for(row.record), std::move(row.endpoints)});
        if (row.state.status != Status::removed) add(all.back().container);
    }
    TRY(services_.volumes.recover([&](const std::string& id) { return known.contains(id); }));
    remove_unknown(services_.directory_fd.get(), known);
    remove_unknown(services_.runtime_fd.get(), known);

    // What has ended meanwhile needs its address no more; the driver takes its packets' way down.
    std::vector<network::Networks::LiveSandbox> live;
    std::vector<Fd> namespaces;
    std::vector<ContainerPtr> connected;
    for (const Found& found : all) {
        const Container& container = *found.container;
        const bool running = found.process && found.process->state == DAVIT_EXEC_RUNNING;
        if (!running || !has_own_networks(container.config().network_mode)) continue;
        namespaces.push_back(network_namespace_of(found.process->pid));
        live.push_back({.id = container.state().sandbox,
                        .occupant = occupant_of(container),
                        .endpoints = found.endpoints,
                        .netns = namespaces.back().get()});
        connected.push_back(found.container);
    }
    auto sandboxes = TRY(services_.networks.recover(live));
    for (std::size_t i = 0; i < connected.size(); ++i) connected[i]->hold(std::move(sandboxes[i]));
    for (Found& found : all) {
        const ContainerPtr& container = found.container;
        const bool removed = container->state().status == Status::removed;
        const bool ran = container->state().started_ns != 0;
        if (auto adopted = adopt(container, std::move(found.process)); !adopted)
            services_.log(kLogWarning,
                          "recover container " + container->id() + ": " + adopted.error().what);
        if (removed)  // its launcher may still be letting the root go
            reap(container);
        else if (ran && container->config().auto_remove &&
                 container->state().status != Status::running)
            (void)remove_locked(container, container->operate(), OwnVolumes::remove);
        else
            revive(container);
    }
    if (!rows.empty())
        services_.log(kLogInfo, "recovered " + std::to_string(rows.size()) + " containers");
    return {};
}

}  // namespace davit::container
