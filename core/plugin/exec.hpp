// SPDX-License-Identifier: Apache-2.0
// An exec instance as core sees it: the C table of davit/exec.h as a C++ object, once.
// Copyable (shares the instance); thread-safe as far as the table's thread tags say.
#pragma once

#include "core/plugin/instance.hpp"
#include "davit/exec.h"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/plugin/caller.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace davit::plugin {

struct OutputSpec {
    bool tty = false, open_stdin = false, stdin_once = false;
    std::string log_path;  // empty: no log
    std::uint64_t log_max_bytes = 0;
    std::uint32_t log_max_files = 0;
    std::uint16_t rows = 0, columns = 0;
};

struct ExecSpec {
    std::string key, config;                // OCI config.json
    int root = -1, netns = -1, state = -1;  // borrowed
    std::vector<int> mounts;                // one per entry of `mounts` in config, or -1; borrowed
    OutputSpec output;
};

struct Process {
    int pid = 0;
    Fd pid_fd;                // the process
    Fd keeper;                // readable once the root file system is let go
    Fd netns;                 // empty unless the driver made the namespace
    std::uint32_t state = 0;  // DAVIT_EXEC_CREATED, _RUNNING, _EXITED
};

struct SessionSpec {
    std::string key, session, process;  // `process`: the object of an OCI config.json
    bool tty = false, open_stdin = false, privileged = false;
    bool hold = false;  // its output waits for the first attach
    std::uint16_t rows = 0, columns = 0;
};

struct Streams {
    Fd in, out, err;
    std::uint64_t log_offset = 0, log_file = 0;
};

struct ExitRecord {
    int code = 0, signal = 0;
    bool out_of_memory = false, monitor_lost = false;
    std::int64_t time_ns = 0;
};

struct Figure {
    std::string name;
    std::uint64_t value = 0;
    std::uint32_t major = 0, minor = 0;
};

class Exec {
public:
    static Result<Exec> of(std::shared_ptr<Instance> instance);
    const std::string& instance() const { return instance_->name(); }

    Result<Process> create(sdk::Caller& call, const ExecSpec& spec) const;
    Result<void> start(sdk::Caller& call, const std::string& key) const;
    // streams: DAVIT_ATTACH_STDIN, _STDOUT, _STDERR.
    Result<Streams> attach(sdk::Caller& call, const std::string& key, const std::string& session,
                           std::uint32_t streams) const;
    enum class Recipient { process, everyone };
    Result<void> signal(sdk::Caller& call, const std::string& key, const std::string& session,
                        int number, Recipient recipient = Recipient::process) const;
    Result<Fd> wait(sdk::Caller& call, const std::string& key, const std::string& session) const;
    Result<ExitRecord> exit_record(sdk::Caller& call, const std::string& key,
                                   const std::string& session) const;
    Result<Process> exec(sdk::Caller& call, const SessionSpec& spec) const;
    // Freezes every process of the container, and lets them go on. Errors: unsupported where the
    // driver has no davit.exec.pause/1.
    Result<void> pause(sdk::Caller& call, const std::string& key) const;
    Result<void> resume(sdk::Caller& call, const std::string& key) const;
    // Changes limits of a running container. `resources`: linux.resources of an OCI config.json.
    Result<void> update(sdk::Caller& call, const std::string& key,
                        const std::string& resources) const;
    // What it uses, by the names of davit/draft/exec_stats.h. Errors: unsupported as above;
    // conflict when it has ended.
    Result<std::vector<Figure>> stats(sdk::Caller& call, const std::string& key) const;
    struct Window {
        std::uint16_t rows = 0, columns = 0;
    };
    Result<void> resize(sdk::Caller& call, const std::string& key, const std::string& session,
                        Window window) const;
    Result<void> remove(sdk::Caller& call, const std::string& key,
                        const std::string& session) const;
    Result<Process> recover(sdk::Caller& call, const std::string& key, int state) const;
    Result<std::vector<int>> list(sdk::Caller& call, const std::string& key) const;

private:
    Exec(std::shared_ptr<Instance> instance, const davit_exec* table)
        : instance_(std::move(instance)), table_(table) {}
    // The table of what not every driver offers. Errors: unsupported, with what is missing.
    template <class Table>
    Result<const Table*> ability(const char* id) const;

    std::shared_ptr<Instance> instance_;
    const davit_exec* table_;
};

}  // namespace davit::plugin
