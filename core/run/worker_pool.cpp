// SPDX-License-Identifier: Apache-2.0
#include "core/run/worker_pool.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace davit::run {

WorkerPool::WorkerPool(std::function<void(const std::string&)> complain)
    : complain_(std::move(complain)),
      limit_(std::max(4u, 2 * std::thread::hardware_concurrency())) {}

WorkerPool::~WorkerPool() {
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::post(std::function<void()> work) {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (queue_.size() > idle_ && threads_.size() < limit_)
        threads_.emplace_back([this] { this->work(); });
    wake_.notify_one();
}

void WorkerPool::drain() {
    std::unique_lock lock(mutex_);
    idle_changed_.wait(lock, [this] { return queue_.empty() && idle_ == threads_.size(); });
}

void WorkerPool::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        idle_changed_.notify_all();
        wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return;  // ending
        auto piece = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        try {
            piece();
        } catch (const std::exception& bug) {
            complain_(bug.what());
        }
        piece = nullptr;  // what it captured is destroyed outside the lock
        lock.lock();
    }
}

}  // namespace davit::run
