// SPDX-License-Identifier: Apache-2.0
// Every job that runs, and the last kFinished that ended: what `davit jobs` lists, watches and
// cancels. Thread-safe.
#pragma once

#include "core/job/job.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace davit::job {

struct Record {
    std::string id, name, object, progress;
    std::int64_t started_ns = 0, ended_ns = 0;  // ended 0: it runs
    std::string state;                          // "running", "done", "failed", "cancelled"
    std::string error;
};

class JobTable {
public:
    static constexpr std::size_t kFinished = 1000;  // seams rule 9

    // Enters a job; its id is 12 hex digits.
    std::string add(std::shared_ptr<Job> job, std::string name);
    void finish(const std::string& id, const Result<void>& outcome);

    std::vector<Record> list() const;                  // newest first
    Result<Record> find(const std::string& id) const;  // id or unique beginning of one
    // `not_found`, or `conflict` when it has ended.
    Result<void> cancel(const std::string& id);

private:
    struct Running {
        std::shared_ptr<Job> job;
        Record record;
    };
    static Record snapshot(const Running& running);

    mutable std::mutex mutex_;
    std::map<std::string, Running> running_;
    std::deque<Record> finished_;
    std::uint64_t next_ = 0;
};

}  // namespace davit::job
