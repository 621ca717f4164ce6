// SPDX-License-Identifier: Apache-2.0
// A few threads for work that nobody waits for on a connection: exits, reaping, syncing.
// Thread-safe. Threads start when there is work for them, at most twice the cores (seams rule 12),
// and end when there has been none for a second.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace davit::run {

class WorkerPool {
public:
    // `complain` receives the text of an exception that a piece of work let out: a bug, but not the
    // daemon's end.
    explicit WorkerPool(std::function<void(const std::string&)> complain);
    ~WorkerPool();  // runs what was posted, then ends the threads
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    void post(std::function<void()> work);
    // Returns once everything posted so far has run, and what that work posted.
    void drain();

private:
    void work();
    void leave();  // under the lock, by the thread itself, as its last act
    void join_left();

    std::function<void(const std::string&)> complain_;
    std::mutex mutex_;
    std::condition_variable wake_, idle_changed_;
    std::deque<std::function<void()>> queue_;
    std::map<std::thread::id, std::thread> threads_;
    std::vector<std::thread> left_;  // ended, to be joined
    std::size_t idle_ = 0;
    std::size_t limit_;
    bool ending_ = false;
};

}  // namespace davit::run
