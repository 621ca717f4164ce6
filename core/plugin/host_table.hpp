// SPDX-License-Identifier: Apache-2.0
// The host's side of davit/host.h: what an opened instance may ask the engine for, for its whole
// life. The catalog makes one per instance. Thread-safe.
#pragma once

#include "core/plugin/executables.hpp"
#include "davit/draft/service.h"
#include "davit/host.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace davit::plugin {

// A driver's log line; `source` is "storage/fast", kind and instance. Called on any thread; must
// not throw.
using DriverLog =
    std::function<void(std::string_view source, std::int32_t level, std::string_view line,
                       const davit_kv* fields, std::uint64_t count)>;

// Shared by every instance of an engine.
struct HostServices {
    std::string name;  // "davitd 0.1.0"
    DriverLog log;     // may be empty
    std::shared_ptr<Executables>
        executables;               // may be null: then "davit.host.launch/1" is not offered
    std::string credentials_file;  // may be empty
    // "davit.engine/1", offered to instances of kind service only, and what its functions get back
    // through engine_of. May be null.
    const davit_engine* engine_table = nullptr;
    void* engine = nullptr;
};

class HostTable {
public:
    HostTable(HostServices services, std::string source);
    HostTable(const HostTable&) = delete;
    HostTable& operator=(const HostTable&) = delete;

    const davit_host* raw() const { return &table_; }
    const HostServices& services() const { return services_; }
    const std::string& source() const { return source_; }
    // HostServices::engine of the table that `host` came from.
    static void* engine_of(const davit_host* host);

private:
    HostServices services_;
    std::string source_;
    davit_host table_{};
};

}  // namespace davit::plugin
