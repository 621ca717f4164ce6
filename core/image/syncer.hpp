// SPDX-License-Identifier: Apache-2.0
// The thread that makes finished pulls durable while nobody waits for it (seams rule 14). Started
// at the first use.
#pragma once

#include "core/plugin/storage.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace davit::image {

class Syncer {
public:
    using Work = std::function<void(const plugin::Storage&)>;
    explicit Syncer(Work work) : work_(std::move(work)) {}
    ~Syncer();  // what is under way is finished, what still waits is left to the next start

    // Syncs after the call; requests that pile up for one instance become one.
    void request(const plugin::Storage& storage);

private:
    void run();

    Work work_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<plugin::Storage> waiting_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace davit::image
