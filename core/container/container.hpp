// SPDX-License-Identifier: Apache-2.0
// A live container: its record, its state, who waits for it, and what it holds while it runs.
// Thread-safe.
//
// Three locks, in this order. `operate()` serialises what changes a container (start, restart,
// pause, remove): it is held for as long as that takes, and functions that need it take it as an
// argument. `write()` is held while the row is written. The state has a short lock of its own,
// never held while a driver or the graph is called, so that queries and waiting never wait for an
// operation.
#pragma once

#include "core/container/config.hpp"
#include "core/network/sandbox.hpp"
#include "core/plugin/exec.hpp"
#include "sdk/base/cancel.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace davit::container {

enum class Status { created, running, exited, removed };
std::string_view status_name(Status status);  // as the graph has it: "created", "running", …
Result<Status> parse_status(std::string_view name);

// What the graph holds of a container and never changes.
struct Record {
    std::string id, name, image, image_reference, parent_layer, storage_instance, exec_instance,
        json;
    std::int64_t created_ns = 0;
};

// What changes while it lives. Value; copied out as a snapshot.
struct State {
    Status status = Status::created;
    int pid = 0;
    int exit_code = 0;
    bool out_of_memory = false;
    bool killed_by_user = false;  // stopped or killed by an API call
    bool paused = false;          // runs, and is frozen
    bool restarting = false;      // has ended; its restart policy will start it again
    int restart_count = 0;        // starts by the policy since somebody started it
    std::int64_t restart_delay_ns = 0;
    std::uint64_t restart_timer = 0;       // the watcher's token, while `restarting`
    std::shared_ptr<const Health> health;  // of a run with a health check
    std::string error;                     // of the last start
    std::string sandbox;                   // its id, while there is one
    std::int64_t started_ns = 0, finished_ns = 0;
    std::uint64_t exits = 0;  // how often it has ended, and "die" was told, since davitd began
};

using SandboxPtr = std::shared_ptr<network::Sandbox>;

// A client that attached before the start and gets its streams from it.
struct PendingAttach {
    std::uint32_t streams = 0;  // DAVIT_ATTACH_…
    bool done = false;
    Result<plugin::Streams> outcome = plugin::Streams{};
};

std::string_view shown_status(const State& state);  // as the API has it: also "paused"

// What `update` may change of a container's configuration.
struct Adjustable {
    Resources resources;
    RestartPolicy restart;
    std::string document;  // {"Config":{…},"HostConfig":{…}}, as the graph has it
};

using ContainerLock = std::unique_lock<std::mutex>;

class Container {
public:
    Container(Record record, Config config, State state,
              std::vector<network::EndpointSettings> networks)
        : adjustable_{config.resources, config.restart, std::move(record.json)},
          record_(std::move(record)),
          config_(std::move(config)),
          name_(record_.name),
          state_(std::move(state)),
          networks_(std::move(networks)) {}

    const std::string& id() const { return record_.id; }
    const Record& record() const { return record_; }
    std::string name() const;  // changes with `rename`; record().name is the first one
    void rename(std::string name);
    const Config& config() const { return config_; }
    Resources resources() const;
    RestartPolicy restart_policy() const;
    std::string document() const;  // record().json is empty here: `update` changes this one
    void adjust(Adjustable to);

    ContainerLock operate() { return ContainerLock(operation_); }
    // Held while state and row of a container that runs are changed together: an exit that comes in
    // between waits for it. Taken after `operate`.
    ContainerLock write() { return ContainerLock(writing_); }

    State state() const;
    void change(const std::function<void(State&)>& change);  // and wakes everyone who waits
    // Waits until `over` says so of the state. `cancelled` when the client went away.
    Result<State> wait_until(Cancel& cancel, const std::function<bool(const State&)>& over);
    // The same with a limit; the state at its end, whether or not it is over.
    State wait_at_most(std::int64_t ns, const std::function<bool(const State&)>& over);

    // Attaching before the start: add, wait, take. Only while the container has not been started.
    std::shared_ptr<PendingAttach> add_attach(std::uint32_t streams);
    Result<plugin::Streams> wait_attach(Cancel& cancel,
                                        const std::shared_ptr<PendingAttach>& attach);
    // Gives every pending client what `connect` makes for it.
    void serve_attaches(
        const std::function<Result<plugin::Streams>(std::uint32_t streams)>& connect);
    void end_attaches();  // without a byte: whoever asked for the start is told why it failed

    // The networks that it joins when it starts, in the order of its interfaces.
    std::vector<network::EndpointSettings> networks() const;
    void set_networks(std::vector<network::EndpointSettings> networks);
    // Its sandbox, while it runs with one of its own.
    void hold(SandboxPtr sandbox);
    SandboxPtr let_go();
    SandboxPtr sandbox() const;
    std::vector<network::EndpointPtr> endpoints() const;  // of that sandbox
    void set_keeper(Fd keeper);  // pidfd: readable once the root file system is let go
    Fd take_keeper();
    void set_process(Fd process);  // pidfd of its first process, while it runs
    Fd process() const;            // a copy of it; empty when it does not run

private:
    Adjustable adjustable_;  // under mutex_; first, since it takes its text out of the record
    const Record record_;
    const Config config_;
    std::mutex operation_, writing_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::string name_;
    State state_;
    std::vector<std::shared_ptr<PendingAttach>> attaches_;
    std::vector<network::EndpointSettings> networks_;
    SandboxPtr sandbox_;
    Fd keeper_;
    Fd process_;
};

}  // namespace davit::container
