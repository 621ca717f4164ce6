// SPDX-License-Identifier: Apache-2.0
// What the exec cases share: an instance, a root file system of busybox, containers, and calls that
// read as words. Private to the suite. One thread.
#pragma once

#include "davit/exec.h"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/contract/exec_contract.hpp"
#include "sdk/plugin/caller.hpp"

#include <gtest/gtest.h>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace davit::sdk::contract {

// What a case wants to be different from an ordinary container.
struct Wish {
    std::vector<std::string> arguments = {"/bin/true"};
    std::vector<std::string> environment = {"PATH=/bin", "HOME=/root"};
    std::string cwd = "/";
    std::string user = R"({"uid": 0, "gid": 0})";
    std::string capabilities;  // names, as JSON strings with commas; the same in all sets but
                               // ambient and inheritable
    std::string resources = R"({"devices": [{"allow": false, "access": "rwm"}]})";
    std::string more_process;  // members of `process`, each with a leading comma
    std::string more_linux;    // members of `linux`, likewise
    bool read_only = false;
    std::string more;         // members of the whole, likewise
    std::string more_mounts;  // entries of `mounts`, likewise
    std::vector<std::int32_t> more_mount_fds;
    std::vector<std::string> namespaces = {"pid", "network", "mount", "ipc", "uts"};
    std::uint32_t flags = 0;  // DAVIT_EXEC_TTY, …
    bool log = true;
    std::uint64_t log_max_bytes = 0;
    std::uint32_t log_max_files = 0;
    std::int32_t netns = -1;
};

std::string process_json(const Wish& wish);
std::string config_json(const Wish& wish);

// What `create` and `recover` hand out, owned.
struct Created {
    std::int32_t pid = 0;
    Fd process, keeper, network;
    std::uint32_t state = 0;
};
struct Streams {
    Fd in, out, err;
    std::uint64_t log_offset = 0;
    std::uint64_t log_file = 0;
};

class ExecBench {
public:
    explicit ExecBench(const ExecSubject& subject);
    ~ExecBench();  // ends what still runs, closes the instance, removes the directory

    void set_up();          // ends the case with a failure when the driver cannot be opened
    Result<void> reopen();  // closes the instance and opens it again: a restart of the daemon
    const davit_exec& table() const { return *table_; }
    davit_instance* instance() const { return instance_; }
    bool offers(const char* ability) const;
    const void* ability(const char* id) const;

    Result<Created> create(const std::string& key, const Wish& wish);
    Result<void> start(const std::string& key);
    Result<Created> run(const std::string& key, const Wish& wish);  // create and start
    Result<Streams> attach(const std::string& key, std::uint32_t streams,
                           const std::string& session = "");
    Result<void> signal(const std::string& key, int number, const std::string& session = "",
                        bool everyone = false);
    Result<Fd> wait(const std::string& key, const std::string& session = "");
    Result<davit_exec_exit> exit_record(const std::string& key, const std::string& session = "");
    Result<Created> exec(const std::string& key, const std::string& session, const Wish& wish,
                         bool privileged = false);
    Result<void> resize(const std::string& key, std::uint16_t rows, std::uint16_t columns,
                        const std::string& session = "");
    Result<void> update(const std::string& key, const std::string& resources);
    Result<void> remove(const std::string& key, const std::string& session = "");
    Result<Created> recover(const std::string& key);
    Result<std::vector<std::int32_t>> list(const std::string& key);

    // Waits at most ten seconds for its end, then the record.
    Result<davit_exec_exit> ended(const std::string& key, const std::string& session = "");
    // Everything the container logged, as text; `stream` "" for both.
    std::string logged(const std::string& key, const std::string& stream = "") const;
    std::string log_path(const std::string& key) const { return path_ + "/" + key + ".log"; }
    // Runs a command line by the shell of an ordinary container, to its end: what it wrote.
    std::string output_of(const std::string& command, Wish wish = {});
    // The same in a running container.
    std::string output_in(const std::string& key, const std::string& command, Wish wish = {},
                          bool privileged = false);

    const std::string& path() const { return path_; }  // the case's own directory
    std::string root_path() const { return path_ + "/root"; }
    int state_directory(
        const std::string& key);  // made when it is missing; open to the end of the case
    std::set<std::string> leftovers() const;  // control groups of this engine, launchers' aside
    // This engine's control group in every hierarchy; in the one tree of version 2.
    std::vector<std::string> group_parents() const;
    std::size_t descriptors() const;  // open in this process
    const std::string& scope() const { return scope_; }

private:
    Result<void> open();
    void close();
    Result<Created> owned(const davit_exec_process& process) const;

    const ExecSubject& subject_;
    std::string path_;
    std::string scope_;
    Fd directory_;
    davit_host host_{};
    davit_instance* instance_ = nullptr;
    const davit_exec* table_ = nullptr;
    std::vector<std::pair<std::string, Fd>> states_;
    int sessions_ = 0;
};

// Waits until `fd` is readable; false after `patience`.
bool readable(int fd, std::chrono::milliseconds patience = std::chrono::seconds(10));
// Reads to the end of file.
std::string read_to_end(int fd);
// Reads until `text` has come, or ten seconds: what was read.
std::string read_until(int fd, const std::string& text);

struct ExecCase {
    const char* name;
    void (*body)(ExecBench&);
};
std::vector<ExecCase> exec_life_cases();
std::vector<ExecCase> exec_stream_cases();
std::vector<ExecCase> exec_inside_cases();
std::vector<ExecCase> exec_session_cases();
std::vector<ExecCase> exec_call_cases();

}  // namespace davit::sdk::contract
