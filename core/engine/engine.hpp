// SPDX-License-Identifier: Apache-2.0
// The composition root: opens everything in order, hands it to those who need it, and answers
// davit.engine/1. One per daemon; thread-safe once open.
#pragma once

#include "core/container/containers.hpp"
#include "core/container/exec_session.hpp"
#include "core/container/health_checks.hpp"
#include "core/engine/config.hpp"
#include "core/engine/data_root.hpp"
#include "core/engine/operations.hpp"
#include "core/event/bus.hpp"
#include "core/image/image_store.hpp"
#include "core/job/job_table.hpp"
#include "core/network/networks.hpp"
#include "core/plugin/catalog.hpp"
#include "core/plugin/registry.hpp"
#include "core/run/watcher.hpp"
#include "core/run/worker_pool.hpp"
#include "core/store/database.hpp"
#include "core/volume/volumes.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace davit::engine {

// `source` is "engine" or "storage/fast"; level: DAVIT_LOG_…
using Log = std::function<void(std::string_view source, int level, const std::string& line)>;

class Engine {
public:
    // Opens the roots, the graph, the drivers that have something to recover, and brings every
    // container back. Nothing is left open when it fails.
    static Result<std::unique_ptr<Engine>> open(Config config, Log log);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Runs an operation; answers go to `emit`. A job gets an id and a record, a query neither.
    enum class Kind { job, query };
    Result<void> run(Kind kind, const job::Request& request, std::shared_ptr<Cancel> cancel,
                     job::Job::Emit emit);
    Result<void> subscribe(const job::Request& request, Cancel& cancel, const job::Job::Emit& emit);

    // Binds the configured sockets and starts the services on them.
    Result<void> serve();
    // Ends the services, then, without live-restore, the containers.
    void shut_down();

    const Config& config() const { return config_; }
    const DataRoot& roots() const { return roots_; }
    plugin::Catalog& catalog() { return *catalog_; }
    container::Containers& containers() { return *containers_; }
    container::ExecSessions& exec_sessions() { return *exec_sessions_; }
    image::ImageStore& images() { return *images_; }
    volume::Volumes& volumes() { return *volumes_; }
    network::Networks& networks() { return *networks_; }
    job::JobTable& jobs() { return jobs_; }
    event::Bus& events() { return events_; }
    run::Watcher& watcher() { return *watcher_; }
    run::WorkerPool& pool() { return *pool_; }

    Result<plugin::Storage> storage(const std::string& instance);
    Result<plugin::Exec> exec(const std::string& instance);
    Result<plugin::Registry> registry(const std::string& instance);
    Result<std::string> unpacker() const;  // path of davit-unpack, beside this executable
    void log(int level, const std::string& line) const { log_("engine", level, line); }
    std::int64_t started_ns() const { return started_ns_; }

private:
    Engine(Config config, Log log, DataRoot roots);
    Result<void> open_parts();
    Result<void> open_catalog();
    network::NetworkSettings network_settings();
    Result<void> open_volumes();
    Result<void> open_containers();
    Result<void> recover_storage(DataRoot::Boot boot);
    Result<container::ImageFacts> image_facts(const std::string& reference,
                                              const std::string& instance);

    Config config_;
    Log log_;
    DataRoot roots_;
    std::int64_t started_ns_;
    Operations job_operations_, query_operations_;
    event::Bus events_;
    job::JobTable jobs_;
    // In the order in which they are opened; they end in reverse.
    std::unique_ptr<store::Database> graph_;
    std::unique_ptr<plugin::Catalog> catalog_;
    std::unique_ptr<run::WorkerPool> pool_;
    std::unique_ptr<run::Watcher> watcher_;
    std::unique_ptr<image::ImageStore> images_;
    std::unique_ptr<network::Networks> networks_;
    std::unique_ptr<volume::Volumes> volumes_;
    std::unique_ptr<container::Containers> containers_;
    std::unique_ptr<container::ExecSessions> exec_sessions_;
    std::unique_ptr<container::HealthChecks> health_checks_;
    struct Service;
    std::vector<std::unique_ptr<Service>> services_;
    std::vector<std::string> bound_sockets_;
};

// davit.engine/1 for HostServices; its `engine` is an Engine.
const davit_engine& engine_table();

}  // namespace davit::engine
