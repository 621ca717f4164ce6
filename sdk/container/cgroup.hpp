// SPDX-License-Identifier: Apache-2.0
// Control groups of containers: made with their limits, joined, frozen, emptied, removed. One
// interface; version 1 in cgroup_v1.cpp, version 2 in cgroup_v2.cpp. Used by exec drivers; the
// launcher gets open files only. Thread-safe for different groups.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <sys/types.h>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace davit::sdk {

struct DeviceRule {
    bool allow = false;
    char type = 'a';                    // a, b, c
    std::optional<std::int64_t> major;  // nothing: every one
    std::optional<std::int64_t> minor;
    std::string access = "rwm";
};

struct Throttle {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint64_t rate = 0;  // bytes or operations a second, or a weight
};

// Limits in the words of the OCI runtime specification (linux.resources); nothing: leave as it is.
// −1: unlimited.
struct Resources {
    std::optional<std::int64_t> memory;              // bytes
    std::optional<std::int64_t> memory_and_swap;     // bytes, both together
    std::optional<std::int64_t> memory_reservation;  // bytes
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<std::uint64_t> cpu_shares;
    std::optional<std::int64_t> cpu_quota;    // µs in each period
    std::optional<std::uint64_t> cpu_period;  // µs
    std::optional<std::int64_t> cpu_realtime_runtime;
    std::optional<std::uint64_t> cpu_realtime_period;
    std::optional<std::string> cpus;  // "0-2,4"
    std::optional<std::string> memory_nodes;
    std::optional<std::int64_t> pids;
    std::optional<std::uint64_t> block_weight;
    std::vector<Throttle> device_weights;
    std::vector<Throttle> read_bytes, write_bytes, read_operations, write_operations;
    std::optional<std::vector<DeviceRule>>
        devices;  // in their order; the usual devices are allowed after them
};

// Where a group shows up: bound below /sys/fs/cgroup inside a container.
struct GroupDirectory {
    std::string name;  // "memory"; empty: the only hierarchy (version 2), /sys/fs/cgroup itself
    std::string path;  // absolute, on the host
};

// How a process comes into a group. Moving one that exists waits for an RCU grace period, 5 ms
// after idle; both ways here avoid that.
struct Entrance {
    // Version 2: the directory for clone3(CLONE_INTO_CGROUP). No descriptor on version 1.
    Fd birthplace;
    // A single-threaded process writes "0" to each. On version 1 these are `tasks`, which move one
    // thread by itself without the wait; on version 2 cgroup.procs, for whoever exists already.
    std::vector<Fd> joins;
};

// What a group uses, by the names of davit/draft/exec_stats.h.
struct Figure {
    std::string name;
    std::uint64_t value = 0;
    std::uint32_t major = 0, minor = 0;  // of a block device
};

class Cgroups {
public:
    virtual ~Cgroups() = default;

    // Groups below `parent` ("davit-1a2b3c4d", made when it is missing), with `parent`/launch for
    // the launchers, in what is mounted at /sys/fs/cgroup. Errors: unsupported without a mounted
    // hierarchy; busy (version 2) when processes live where controllers have to be enabled.
    static Result<std::unique_ptr<Cgroups>> open(const std::string& parent);

    // Makes an empty group and writes its limits. Errors: invalid value; unsupported limit. On
    // failure nothing is left.
    virtual Result<void> make(const std::string& group, const Resources& limits) const = 0;
    virtual Result<void> update(const std::string& group, const Resources& limits) const = 0;
    virtual Result<Entrance> open_entrance(const std::string& group) const = 0;
    // To where its process `pid` is: on version 2 a container may have moved it further down.
    virtual Result<Entrance> open_entrance_beside(const std::string& group, pid_t pid) const = 0;
    // Counts out-of-memory kills; see `oom_kills`.
    virtual Result<Fd> open_memory_events(const std::string& group) const = 0;
    virtual std::vector<GroupDirectory> directories(const std::string& group) const = 0;
    virtual Result<std::vector<pid_t>> processes(const std::string& group) const = 0;
    // What the group and all below it have used so far. Errors: not_found.
    virtual Result<std::vector<Figure>> statistics(const std::string& group) const = 0;
    virtual Result<void> freeze(const std::string& group, bool frozen) const = 0;
    // Kills what is in the group until it is empty. Errors: busy when it does not empty within a
    // second.
    virtual Result<void> kill(const std::string& group) const = 0;
    // Removes the group and all below it; absent is OK. Errors: busy while something runs there.
    virtual Result<void> remove(const std::string& group) const = 0;
    // Every group below the parent but the launchers'.
    virtual Result<std::vector<std::string>> groups() const = 0;

    // The group of the launchers.
    static constexpr const char* kLaunch = "launch";
};

// The number behind "oom_kill" in a file of open_memory_events; 0 when there is none.
std::uint64_t oom_kills(int memory_events);
// Joins by one of Entrance::joins. The caller has one thread.
Result<void> join_group(int join_file);

// Access that every container has (the specification's default devices and terminals).
std::vector<DeviceRule> usual_device_rules();

}  // namespace davit::sdk
