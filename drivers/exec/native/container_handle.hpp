// SPDX-License-Identifier: Apache-2.0
// What the driver holds of a container in memory: descriptors, all of which recovery can open
// again.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/monitor/control.hpp"
#include "sdk/monitor/record.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace davit::native {

// One program with its launcher: a container's first process, or a session's. All descriptors stay
// for its life.
struct ProcessHandle {
    Fd directory;  // its state directory
    Fd process;    // pidfd; empty when it had ended before it was found again
    Fd launcher;   // pidfd; likewise
    Fd channel;    // to the launcher since its spawn, until `start`; empty after recovery
    std::int32_t pid = 0;
    std::string group;
    bool session = false;  // else the container's first process
    std::atomic<bool> started{false};

    bool ended() const;  // the exit record stands, or its launcher is gone
    // The same, and waits for a launcher that was killed: its socket is closed before it has ended.
    bool ends_soon() const;
    Result<sdk::ExitRecord> exit() const { return sdk::read_exit(directory.get()); }
    // Asks its launcher over a connection of its own. Errors: conflict when it has ended.
    Result<sdk::Answer> ask(const sdk::ControlRequest& request, const char* doing) const;
};
using ProcessPointer = std::shared_ptr<ProcessHandle>;

struct ContainerHandle {
    ProcessPointer first;
    std::string group;

    std::mutex mutex;  // guards sessions
    std::map<std::string, ProcessPointer> sessions;
};
using ContainerPointer = std::shared_ptr<ContainerHandle>;

}  // namespace davit::native
