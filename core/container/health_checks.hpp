// SPDX-License-Identifier: Apache-2.0
// Runs the health checks of containers. Nothing waits: timers and ends of streams come from the
// watcher, what follows runs on the workers, so that a thousand checked containers cost no thread.
// Thread-safe.
#pragma once

#include "core/container/exec_session.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace davit::container {

class HealthChecks {
public:
    HealthChecks(Containers& containers, ExecSessions& sessions)
        : containers_(containers), sessions_(sessions) {}
    HealthChecks(const HealthChecks&) = delete;
    HealthChecks& operator=(const HealthChecks&) = delete;

    // It runs, after a start or found again; without a health check nothing happens.
    void begin(const ContainerPtr& container);
    // It has ended: a probe under way has ended with it.
    void end(const Container& container);

private:
    struct Check;
    using CheckPtr = std::shared_ptr<Check>;

    void wait_for_next(const CheckPtr& check);
    void probe(const CheckPtr& check);
    Result<void> run(const CheckPtr& check);
    Result<void> follow(const CheckPtr& check, plugin::Streams streams);
    void watch_output(const CheckPtr& check, int round, std::shared_ptr<Fd> output);
    void time_out(const CheckPtr& check, int round);
    void exited(const CheckPtr& check, int round, int code);
    // The probe's result. Only the first one counts: it may end and time out at once.
    void finish(const CheckPtr& check, int round, int exit_code, const std::string& complaint);
    void record(const Check& check, Probe probe);

    Containers& containers_;
    ExecSessions& sessions_;
    std::mutex mutex_;
    std::map<std::string, CheckPtr> checks_;  // by container
};

}  // namespace davit::container
