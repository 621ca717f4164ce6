// SPDX-License-Identifier: Apache-2.0
// What the container room uses of the engine. Built once by the engine and passed down; everything
// in it outlives every container.
#pragma once

#include "core/event/bus.hpp"
#include "core/network/networks.hpp"
#include "core/plugin/exec.hpp"
#include "core/plugin/storage.hpp"
#include "core/run/watcher.hpp"
#include "core/run/worker_pool.hpp"
#include "core/store/database.hpp"
#include "core/volume/volumes.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace davit::container {

class Container;

// An image as a container sees it.
struct ImageFacts {
    std::string id;         // "sha256:…"
    std::string config;     // the `config` object of its configuration, JSON
    std::string top_layer;  // chain ID of its last layer: the storage key
    std::string storage_instance;
    std::string architecture, os;
};

struct Services {
    store::Database& graph;
    run::WorkerPool& pool;
    run::Watcher& watcher;
    event::Bus& events;
    network::Networks& networks;
    volume::Volumes& volumes;
    std::function<Result<plugin::Storage>(const std::string& instance)>
        storage;                                                            // "" = the default
    std::function<Result<plugin::Exec>(const std::string& instance)> exec;  // "" = the default
    // A reference or an id; `not_found` with docker's words when there is none. `instance`: where
    // its layers must lie.
    std::function<Result<ImageFacts>(const std::string& reference, const std::string& instance)>
        image;
    // Removes the layers that nothing uses any more: the last container of a removed image is gone.
    std::function<void()> collect_layers;
    // A container runs, after a start or found again; it has ended. For those who watch it
    // meanwhile.
    std::function<void(const std::shared_ptr<Container>&)> runs, ended;
    std::string unpacker;    // path of davit-unpack
    std::string log_driver;  // the daemon's log-driver and log-opts: what containers say nothing of
    std::map<std::string, std::string> log_options;
    std::string directory;  // <data-root>/containers
    Fd directory_fd;
    Fd runtime_fd;  // <exec-root>/containers
    std::function<void(int level, const std::string& line)> log;
};

}  // namespace davit::container
