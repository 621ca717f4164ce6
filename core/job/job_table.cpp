// SPDX-License-Identifier: Apache-2.0
#include "core/job/job_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace davit::job {

namespace {

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string state_of(const Result<void>& outcome) {
    if (outcome) return "done";
    return outcome.error().code == Code::cancelled ? "cancelled" : "failed";
}

}  // namespace

// Ids start at the time of the first job, so that those of two runs of the daemon do not meet.
std::string JobTable::add(std::shared_ptr<Job> job, std::string name) {
    std::lock_guard lock(mutex_);
    if (next_ == 0) next_ = static_cast<std::uint64_t>(now_ns() / 1'000'000) & 0xffff'ffff'ffffu;
    char id[16];
    std::snprintf(id, sizeof id, "%012llx",
                  static_cast<unsigned long long>(next_++ & 0xffff'ffff'ffffu));
    Record record{.id = id, .name = std::move(name), .started_ns = now_ns(), .state = "running"};
    running_.emplace(id, Running{std::move(job), std::move(record)});
    return id;
}

void JobTable::finish(const std::string& id, const Result<void>& outcome) {
    std::lock_guard lock(mutex_);
    const auto found = running_.find(id);
    if (found == running_.end()) return;
    Record record = snapshot(found->second);
    record.ended_ns = now_ns();
    record.state = state_of(outcome);
    if (!outcome) record.error = outcome.error().what;
    running_.erase(found);
    finished_.push_front(std::move(record));
    if (finished_.size() > kFinished) finished_.pop_back();
}

Record JobTable::snapshot(const Running& running) {
    Record record = running.record;
    Job::Description description = running.job->description();
    record.object = std::move(description.object);
    record.progress = std::move(description.last_progress);
    return record;
}

std::vector<Record> JobTable::list() const {
    std::lock_guard lock(mutex_);
    std::vector<Record> records;
    for (auto running = running_.rbegin(); running != running_.rend(); ++running)
        records.push_back(snapshot(running->second));
    records.insert(records.end(), finished_.begin(), finished_.end());
    return records;
}

Result<Record> JobTable::find(const std::string& id) const {
    std::vector<Record> records = list();
    const auto matches = [&](const Record& record) {
        return !id.empty() && record.id.starts_with(id);
    };
    const auto found = std::find_if(records.begin(), records.end(), matches);
    if (found == records.end()) return fail(Code::not_found, "find job ", id, ": no such job");
    if (found->id != id && std::find_if(found + 1, records.end(), matches) != records.end())
        return fail(Code::invalid, "find job ", id, ": several jobs begin like this");
    return *found;
}

Result<void> JobTable::cancel(const std::string& id) {
    const Record record = TRY(find(id));
    std::lock_guard lock(mutex_);
    const auto found = running_.find(record.id);
    if (found == running_.end())
        return fail(Code::conflict, "cancel job ", record.id, ": it has ended");
    found->second.job->cancel()->request();
    return {};
}

}  // namespace davit::job
