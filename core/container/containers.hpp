// SPDX-License-Identifier: Apache-2.0
// Every container of the engine, and what can be done to one. Each verb has a file of its own
// (create.cpp, start.cpp, …). Thread-safe: verbs on one container wait for each other, queries
// never wait for a verb.
#pragma once

#include "core/archive/archiver.hpp"
#include "core/container/container.hpp"
#include "core/container/container_table.hpp"
#include "core/container/services.hpp"
#include "core/job/job.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::container {

using ContainerPtr = std::shared_ptr<Container>;

struct Created {
    std::string id;
    std::vector<std::string> warnings;
};

struct Removal {
    bool force = false;    // a running one is killed first
    bool volumes = false;  // its anonymous volumes go with it
};

struct Pruned {
    std::vector<std::string> ids;
    std::uint64_t bytes = 0;  // of their own layers
};

class Containers {
public:
    explicit Containers(Services services) : services_(std::move(services)) {}
    Containers(const Containers&) = delete;
    Containers& operator=(const Containers&) = delete;

    // Brings back what the graph knows: running containers are adopted, ended ones recorded,
    // leftovers removed. Before anything else is called.
    Result<void> recover();

    // By id, unique beginning of an id, or name. `not_found` and `invalid` (ambiguous) in docker's
    // words.
    Result<ContainerPtr> find(const std::string& reference) const;
    std::vector<ContainerPtr> list() const;  // newest first

    Result<Created> create(const std::shared_ptr<Cancel>& cancel, std::string_view body,
                           std::string name);
    enum class Outcome { done, same };
    Result<Outcome> start(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container);
    // `seconds`: how long it may take after the stop signal; -1: for ever. `signal` empty: the
    // container's own.
    struct StopRequest {
        std::string signal;
        std::optional<int> seconds;
    };
    Result<Outcome> stop(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                         const StopRequest& request);
    Result<void> kill(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                      const std::string& signal);
    // Stops it the way `stop` does, if it runs, and starts it. Nobody else's operation comes in
    // between, and `--rm` does not take it away meanwhile.
    Result<void> restart(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                         const StopRequest& request);
    // Freezes every process of it, and lets them go on. Errors: conflict when it does not run, or
    // is so already; unsupported by its exec driver.
    Result<void> pause(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container);
    Result<void> unpause(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container);
    // Changes limits and restart policy; `body`: that of POST /containers/{id}/update. Errors:
    // invalid; unsupported for what cannot be changed, or not by its exec driver.
    Result<void> adjust(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                        std::string_view body);
    Result<void> rename(const ContainerPtr& container, std::string name);
    Result<void> remove(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                        Removal how);
    // Removes every container that does not run and that `wanted` says so of.
    Result<Pruned> prune(Cancel& cancel, const std::function<bool(const Container&)>& wanted);
    // One more network, or one less, now and at every start from here on. Errors: not_found
    // network; denied for networks that exclude each other; what Networks says.
    Result<void> connect(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                         network::EndpointSettings wanted);
    Result<void> disconnect(const ContainerPtr& container, const std::string& network);
    // The terminal's size, of the first process or of a session.
    Result<void> resize(const ContainerPtr& container, const std::string& session,
                        plugin::Exec::Window window);

    // The container's files, for as long as `use` takes: with all that is mounted in them, or its
    // own root file system alone. Errors: conflict when it is being removed.
    enum class Shown { everything, root_alone };
    using UseFiles = std::function<Result<void>(archive::Place place)>;
    Result<void> with_files(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                            Shown shown, const UseFiles& use);

    // Tells subscribers what happened to a container. `more` adds to the usual attributes.
    void publish(const Container& container, const std::string& action,
                 std::map<std::string, std::string> more = {}) const;

    // Changes the state of a container that runs, row and memory. False: it has ended meanwhile.
    Result<bool> change_running(const ContainerPtr& container,
                                const std::function<void(State&)>& change);
    // The containers that have `volume` mounted, or will when they start.
    std::vector<volume::User> users_of_volume(const std::string& name) const;

    Services& services() { return services_; }
    // Takes the zombie away once the launcher behind `keeper` has ended (seams rule 8), then calls
    // `then` on a worker.
    Result<void> when_gone(const Fd& keeper, std::function<void()> then);
    // Stops every running container the way `stop` does, side by side (daemon without
    // live-restore).
    void stop_all();

private:
    friend class Starter;
    void add(const ContainerPtr& container);
    Result<void> start_locked(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                              const ContainerLock& lock);
    // `stop` of one that runs, without the operation lock.
    Result<Outcome> stop_running(const std::shared_ptr<Cancel>& cancel,
                                 const ContainerPtr& container, const StopRequest& request);
    void mark_stopped(const ContainerPtr& container);
    void apply_policy(const Container& container, State& state, Occasion occasion) const;
    void restart_later(const ContainerPtr& container);
    void start_again(const ContainerPtr& container, std::uint64_t exits);
    bool waits_for_another(const Container& container) const;
    // Takes back the start that its policy asks for. False: there is none to come.
    Result<bool> stay_down(const ContainerPtr& container, const ContainerLock& lock);
    // What was frozen may run again: a signal waits for that.
    Result<void> thaw(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container);
    bool name_taken(const std::string& name) const;
    Error name_conflict(const std::string& name) const;
    Result<std::string> free_name() const;
    network::Occupant occupant_of(const Container& container) const;
    Result<void> keep_networks(const ContainerPtr& container,
                               std::vector<network::EndpointSettings> networks,
                               const std::vector<network::EndpointPtr>& before);
    std::vector<network::EndpointSettings> look_up(
        std::vector<network::EndpointSettings> networks) const;
    void watch_exit(const ContainerPtr& container, Fd exited);
    void on_exit(const ContainerPtr& container);
    // The container has ended: writes it down, gives back what it held, tells everyone.
    void record_exit(const ContainerPtr& container, const plugin::ExitRecord& record);
    enum class OwnVolumes { keep, remove };
    Result<void> remove_locked(const ContainerPtr& container, const ContainerLock& lock,
                               OwnVolumes volumes = OwnVolumes::keep);
    void publish_volumes(const Container& container, const std::string& action) const;
    void remove_volumes(const Container& container) const;
    void reap(const ContainerPtr& container);
    void forget(const ContainerPtr& container);
    Result<plugin::Process> look_for(const Record& record);
    Result<void> adopt(const ContainerPtr& container, Result<plugin::Process> process);
    void revive(const ContainerPtr& container);
    Result<void> put_back(const ContainerPtr& container);

    Services services_;
    mutable std::mutex mutex_;
    std::map<std::string, ContainerPtr> by_id_;
    std::atomic<bool> ending_{false};  // the daemon ends, and what it stops stays down
};

// Without the slash that docker's clients put before it. `invalid` in docker's words.
Result<std::string> checked_name(std::string name);
// `conflict` in docker's words unless it runs and is not paused. `doing`: "exec", "attach".
Result<void> check_responsive(const Container& container, std::string_view doing);
// Waits until the last run's root is let go: two mounts of one upper directory are undefined (seams
// rule 2). That may take as long as the sync of the file system below.
Result<void> wait_for_root(Cancel& cancel, Container& container);

// A signal by name ("SIGTERM", "term", "RTMIN+1") or number. `invalid` in docker's words.
Result<int> parse_signal(const std::string& text);
std::string random_hex(std::size_t bytes);
// What uname -n shows in the container.
std::string hostname_of(const Container& container);

}  // namespace davit::container
