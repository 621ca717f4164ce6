// SPDX-License-Identifier: Apache-2.0
#include "core/image/syncer.hpp"

#include <algorithm>

namespace davit::image {

Syncer::~Syncer() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Syncer::request(const plugin::Storage& storage) {
    const std::lock_guard lock(mutex_);
    const bool waits = std::any_of(
        waiting_.begin(), waiting_.end(),
        [&](const plugin::Storage& other) { return other.instance() == storage.instance(); });
    if (!waits) waiting_.push_back(storage);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.notify_all();
}

void Syncer::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (ending_) return;
        const plugin::Storage storage = waiting_.front();
        waiting_.pop_front();
        lock.unlock();
        work_(storage);
        lock.lock();
    }
}

}  // namespace davit::image
