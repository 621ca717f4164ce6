// SPDX-License-Identifier: Apache-2.0
// What the catalog keeps of each driver and instance. Seen by catalog.cpp and catalog_json.cpp
// alone.
#pragma once

#include "core/plugin/catalog.hpp"

#include <optional>

namespace davit::plugin {

struct Catalog::Driver {
    std::shared_ptr<Library> library;  // null when the file was refused unread
    DriverManifest manifest;
    bool own = false;  // came with Davit
    std::string path;
    std::string refused;  // why it cannot be used at all; empty: it can
    std::string unused;   // why it has no instance of its own name
};

struct Catalog::Slot {
    Slot(InstanceSettings wanted, std::shared_ptr<Driver> of, std::string checked)
        : settings(std::move(wanted)), driver(std::move(of)), config(std::move(checked)) {}
    bool is_open() {
        const std::lock_guard guard(lock);
        return instance != nullptr;
    }

    // Why it does not work here; empty: it does, or nobody has asked.
    std::string known_trouble() {
        const std::lock_guard guard(probe_lock);
        return probed && !probed->works ? probed->reason : "";
    }

    const InstanceSettings settings;
    const std::shared_ptr<Driver> driver;
    const std::string config;            // checked, defaults filled in
    std::mutex lock;                     // held while the instance is opened
    std::shared_ptr<Instance> instance;  // guarded by lock; null: not opened yet
    std::mutex probe_lock;               // held while the driver is asked
    std::optional<Probed> probed;        // guarded by probe_lock
};

}  // namespace davit::plugin
