// SPDX-License-Identifier: Apache-2.0
// Further processes in running containers (docker exec). Sessions live in memory: like docker's
// they are forgotten with the daemon, while their processes go on. Thread-safe.
#pragma once

#include "core/container/containers.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace davit::container {

// The body of POST /containers/{id}/exec.
struct ExecConfig {
    std::vector<std::string> command, environment;
    std::string user, working_dir, detach_keys;
    bool tty = false, privileged = false;
    bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
    std::uint16_t rows = 0, columns = 0;
    // Of the engine's own sessions: told the exit code, and the session is forgotten.
    std::function<void(int code)> ended;
};
Result<ExecConfig> parse_exec_body(std::string_view body);

struct ExecState {
    bool running = false, started = false;
    int pid = 0;
    std::optional<int> exit_code;
};

struct ExecSession {
    std::string id;
    ContainerPtr container;
    ExecConfig config;
    ExecState state;
};

class ExecSessions {
public:
    // Ended sessions stay for inspect; the oldest go first. Docker keeps them until the container
    // is gone.
    static constexpr std::size_t kEnded = 4096;

    explicit ExecSessions(Containers& containers) : containers_(containers) {}

    // `conflict` when the container does not run.
    Result<std::string> create(const ContainerPtr& container, ExecConfig config);
    // A copy. `not_found`.
    Result<ExecSession> find(const std::string& id) const;
    enum class Attach { no, yes };
    // Runs it. The streams are those asked for at creation. Errors: conflict when it was started
    // already; invalid with the kernel's words when the program cannot be executed.
    Result<plugin::Streams> start(const std::shared_ptr<Cancel>& cancel, const std::string& id,
                                  Attach attach, plugin::Exec::Window window);

    // Ids of a container's sessions that run, as inspect shows them.
    std::vector<std::string> running(const std::string& container) const;

private:
    Result<plugin::Process> execute(sdk::Caller& call, const ExecSession& session, Attach attach);
    Result<void> follow(const ExecSession& session, Fd keeper);
    void ended(const std::string& id, const ContainerPtr& container);
    void forget(const std::string& id) const;
    void clear(const std::string& id, const ContainerPtr& container);
    void observe(const std::string& id, const ContainerPtr& container) const;
    Result<ExecSession> look_up(const std::string& id) const;
    void set_state(const std::string& id, const ExecState& state) const;

    Containers& containers_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, ExecSession> sessions_;  // states follow what the driver knows
    mutable std::deque<std::string> ended_;
};

}  // namespace davit::container
