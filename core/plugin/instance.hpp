// SPDX-License-Identifier: Apache-2.0
// One opened instance of a driver: what the catalog hands out and the typed wrappers (storage.hpp,
// …) call. Shared by everyone who uses it; the driver's `close` runs when the last one lets go.
// Thread-safe.
#pragma once

#include "davit/module.h"

#include <memory>
#include <string>
#include <utility>

namespace davit::plugin {

class Instance {
public:
    // Takes over `raw`, an instance that the driver's `open` returned.
    Instance(std::string kind, std::string name, std::string driver, davit_instance* raw)
        : kind_(std::move(kind)), name_(std::move(name)), driver_(std::move(driver)), raw_(raw) {}
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    const std::string& kind() const { return kind_; }
    const std::string& name() const { return name_; }      // what users choose
    const std::string& driver() const { return driver_; }  // only ever shown, never compared
    davit_instance* raw() const { return raw_; }
    // The table of an interface or ability, or nullptr.
    template <class Table>
    const Table* get(const char* id) const {
        return static_cast<const Table*>(lookup(id));
    }

private:
    const void* lookup(const char* id) const;

    std::string kind_, name_, driver_;
    davit_instance* raw_;
};

}  // namespace davit::plugin
