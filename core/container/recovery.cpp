// SPDX-License-Identifier: Apache-2.0
// What the daemon does with the containers of its graph when it comes up.
#include "core/container/containers.hpp"
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

}  // namespace

// Finds a container's process again, or learns that there is none. `row.state` becomes what is true
// now.
Result<void> Containers::adopt(const ContainerPtr& container, Row& row) {
    const plugin::Exec exec = TRY(services_.exec(row.record.exec_instance));
    sdk::Caller call;
    auto runtime = open_beneath(services_.runtime_fd.get(), row.record.id, O_RDONLY | O_DIRECTORY);
    auto process = runtime ? exec.recover(call, row.record.id, runtime->get())
                           : Result<plugin::Process>(fail(Code::not_found, "no runtime directory"));
    if (!process && process.error().code != Code::not_found) return std::move(process).error();
    const bool was_running = row.state.status == Status::running;
    if (!process) {
        if (was_running)
            record_exit(container, {.code = 137, .monitor_lost = true, .time_ns = now_ns()});
        return {};
    }
    container->set_keeper(std::move(process->keeper));
    if (process->state == DAVIT_EXEC_CREATED) return exec.remove(call, row.record.id, "");
    if (!was_running && process->state == DAVIT_EXEC_EXITED)
        return {};  // written down before the daemon ended
    State state = row.state;
    state.status = Status::running;
    state.pid = process->pid;
    if (state.started_ns == 0) state.started_ns = now_ns();
    container->change([&](State& live) { live = state; });
    watch_exit(container, TRY(exec.wait(call, row.record.id, "")));
    return {};
}

Result<void> Containers::recover() {
    std::vector<Row> rows = TRY(load(services_.graph));
    std::set<std::string> known;
    std::vector<ContainerPtr> removed, running;
    std::vector<std::shared_ptr<const network::Endpoint>> endpoints;
    for (Row& row : rows) {
        known.insert(row.record.id);
        Config config =
            TRY(parse_stored(row.record.json).context("recover container ", row.record.id));
        auto container = std::make_shared<Container>(row.record, std::move(config), row.state);
        if (row.state.status == Status::removed) {
            removed.push_back(container);
            continue;
        }
        add(container);
        if (row.endpoint) {
            endpoints.push_back(row.endpoint);
            running.push_back(container);
        }
    }
    remove_unknown(services_.directory_fd.get(), known);
    remove_unknown(services_.runtime_fd.get(), known);

    auto connections = TRY(services_.networks.recover(endpoints));
    for (std::size_t i = 0; i < running.size(); ++i)
        running[i]->hold({.port_reservations = std::move(connections[i].reservations),
                          .endpoint = endpoints[i]});
    for (Row& row : rows) {
        if (row.state.status == Status::removed) continue;
        const ContainerPtr container = TRY(find(row.record.id));
        if (auto adopted = adopt(container, row); !adopted)
            services_.log(kLogWarning,
                          "recover container " + row.record.id + ": " + adopted.error().what);
        const bool over = container->state().status != Status::running && row.state.started_ns != 0;
        if (over && container->config().auto_remove)
            (void)remove_locked(container, container->operate());
    }
    for (const ContainerPtr& container : removed) {
        // Its launcher may still be letting the root go: the keeper is found like that of a running
        // one.
        Row row{.record = container->record(), .state = container->state(), .endpoint = nullptr};
        row.state.status = Status::exited;
        (void)adopt(container, row);
        reap(container);
    }
    if (!rows.empty())
        services_.log(kLogInfo, "recovered " + std::to_string(rows.size()) + " containers");
    return {};
}

}  // namespace davit::container
