// SPDX-License-Identifier: Apache-2.0
#include "core/run/worker_pool.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace davit::run {

namespace {

constexpr std::chrono::seconds kIdle{1};  // a daemon with nothing to do keeps no threads for it

}  // namespace

WorkerPool::WorkerPool(std::function<void(const std::string&)> complain)
    : complain_(std::move(complain)),
      limit_(std::max(4u, 2 * std::thread::hardware_concurrency())) {}

WorkerPool::~WorkerPool() {
    {
        std::unique_lock lock(mutex_);
        ending_ = true;
        wake_.notify_all();
        idle_changed_.wait(lock, [this] { return threads_.empty(); });
    }
    join_left();
}

// A thread cannot join itself: whoever comes next does.
void WorkerPool::join_left() {
    std::vector<std::thread> left;
    {
        std::lock_guard lock(mutex_);
        left.swap(left_);
    }
    for (std::thread& thread : left) thread.join();
}

void WorkerPool::leave() {
    const auto self = threads_.find(std::this_thread::get_id());
    left_.push_back(std::move(self->second));
    threads_.erase(self);
    idle_changed_.notify_all();
}

void WorkerPool::post(std::function<void()> work) {
    join_left();
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (queue_.size() > idle_ && threads_.size() < limit_) {
        std::thread thread([this] { this->work(); });  // begins with the lock that we hold
        const auto id = thread.get_id();
        threads_.emplace(id, std::move(thread));
    }
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
        wake_.wait_for(lock, kIdle, [this] { return ending_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return leave();  // ending, or nothing to do
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
