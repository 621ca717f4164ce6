// SPDX-License-Identifier: Apache-2.0
// Every container of the engine, and what can be done to one. Each verb has a file of its own
// (create.cpp, start.cpp, …). Thread-safe: verbs on one container wait for each other, queries
// never wait for a verb.
#pragma once

#include "core/container/container.hpp"
#include "core/container/container_table.hpp"
#include "core/container/services.hpp"
#include "core/job/job.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace davit::container {

using ContainerPtr = std::shared_ptr<Container>;

struct Created {
    std::string id;
    std::vector<std::string> warnings;
};

struct Removal {
    bool force = false;  // a running one is killed first
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
    Result<void> remove(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                        Removal how);
    // The terminal's size, of the first process or of a session.
    Result<void> resize(const ContainerPtr& container, const std::string& session,
                        plugin::Exec::Window window);

    // Tells subscribers what happened to a container. `more` adds to the usual attributes.
    void publish(const Container& container, const std::string& action,
                 std::map<std::string, std::string> more = {}) const;

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
    bool name_taken(const std::string& name) const;
    Error name_conflict(const std::string& name) const;
    Result<std::string> free_name() const;
    void watch_exit(const ContainerPtr& container, Fd exited);
    void on_exit(const ContainerPtr& container);
    // The container has ended: writes it down, gives back what it held, tells everyone.
    void record_exit(const ContainerPtr& container, const plugin::ExitRecord& record);
    Result<void> remove_locked(const ContainerPtr& container, const ContainerLock& lock);
    void reap(const ContainerPtr& container);
    void forget(const ContainerPtr& container);
    Result<plugin::Process> look_for(const Record& record);
    Result<void> adopt(const ContainerPtr& container, Result<plugin::Process> process);
    Result<void> put_back(const ContainerPtr& container);

    Services services_;
    mutable std::mutex mutex_;
    std::map<std::string, ContainerPtr> by_id_;
};

// A signal by name ("SIGTERM", "term", "RTMIN+1") or number. `invalid` in docker's words.
Result<int> parse_signal(const std::string& text);
std::string random_hex(std::size_t bytes);

}  // namespace davit::container
