// SPDX-License-Identifier: Apache-2.0
#include "core/event/bus.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace davit::event {

namespace {

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

void Bus::publish(Event event) {
    {
        std::lock_guard lock(mutex_);
        event.number = ++last_;
        event.time_ns = now_ns();
        kept_.push_back(std::make_shared<const Event>(std::move(event)));
        if (kept_.size() > kKept) kept_.pop_front();
    }
    changed_.notify_all();
}

Result<void> Bus::follow(Range range, const Cancel& cancel,
                         const std::function<Result<void>(const Event&)>& each) {
    std::unique_lock lock(mutex_);
    std::uint64_t seen = range.since_ns == 0 ? last_ : 0;
    const auto over = [&] { return range.until_ns != 0 && now_ns() >= range.until_ns; };
    while (true) {
        std::vector<std::shared_ptr<const Event>> fresh;
        for (const auto& event : kept_)
            if (event->number > seen) fresh.push_back(event);
        if (!fresh.empty()) seen = fresh.back()->number;
        lock.unlock();
        for (const auto& event : fresh) {
            if (event->time_ns < range.since_ns) continue;
            if (range.until_ns != 0 && event->time_ns > range.until_ns) return {};
            TRY(each(*event));
        }
        lock.lock();
        if (cancel.requested() || over()) return {};
        if (seen != last_) continue;
        const auto woken = [&] { return seen != last_ || cancel.requested(); };
        if (range.until_ns == 0)
            changed_.wait(lock, woken);
        else
            changed_.wait_for(
                lock,
                std::chrono::nanoseconds(std::max<std::int64_t>(range.until_ns - now_ns(), 1)),
                woken);
    }
}

// The lock pairs with the one in follow(): a follower is either before its check of `cancel` or
// waiting already.
void Bus::interrupt() {
    { std::lock_guard lock(mutex_); }
    changed_.notify_all();
}

}  // namespace davit::event
