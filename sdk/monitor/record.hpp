// SPDX-License-Identifier: Apache-2.0
// What a launcher leaves in its state directory for whoever comes later: state.json before the
// program executes, exit.json before the launcher ends. Each is renamed into place. Used by
// launchers (write) and drivers (read).
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace davit::sdk {

struct StateRecord {
    std::string boot_id;
    std::string group;  // the control group, below the engine's parent
    std::int32_t pid = 0;
    std::uint64_t start_time = 0;
    std::int32_t launcher_pid = 0;
    std::uint64_t launcher_start_time = 0;
    bool own_pids = false;  // its pid namespace ends with it
    bool tty = false;
};

struct ExitRecord {
    std::int32_t code = 0;
    std::int32_t signal = 0;
    bool out_of_memory = false;
    bool monitor_lost = false;
    std::int64_t time_ns = 0;  // CLOCK_REALTIME
};

Result<void> write_state(int directory, const StateRecord& record);
Result<void> write_exit(int directory, const ExitRecord& record);
// Errors: not_found when there is none; corrupt.
Result<StateRecord> read_state(int directory);
Result<ExitRecord> read_exit(int directory);

}  // namespace davit::sdk
