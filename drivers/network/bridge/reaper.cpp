// SPDX-License-Identifier: Apache-2.0
#include "reaper.hpp"

#include "sdk/netlink/link.hpp"

#include <algorithm>

namespace davit::bridge {

Reaper::~Reaper() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Reaper::remove(int index, std::string alias, std::chrono::milliseconds delay) {
    {
        const std::lock_guard lock(mutex_);
        doomed_.push_back({index, std::move(alias), Clock::now() + delay});
        if (!thread_.joinable()) thread_ = std::thread(&Reaper::run, this);
    }
    changed_.notify_all();
}

void Reaper::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto by_time = [](const Doomed& a, const Doomed& b) { return a.due < b.due; };
        if (!stop_ && doomed_.empty()) {
            changed_.wait(lock);
            continue;
        }
        if (doomed_.empty()) return;
        const auto next = std::min_element(doomed_.begin(), doomed_.end(), by_time)->due;
        if (!stop_ && next > Clock::now()) {
            changed_.wait_until(lock, next);
            continue;
        }
        const auto now = Clock::now();
        const auto later = std::partition(doomed_.begin(), doomed_.end(), [&](const Doomed& link) {
            return stop_ || link.due <= now;
        });
        const std::vector<Doomed> due(doomed_.begin(), later);
        doomed_.erase(doomed_.begin(), later);
        lock.unlock();
        carry_out(due);
        lock.lock();
    }
}

// A link that cannot be removed now is found again by `retain`, which knows it by its alias.
void Reaper::carry_out(const std::vector<Doomed>& links) {
    auto socket = sdk::RouteSocket::open();
    if (!socket) return;
    const auto present = sdk::list_links(*socket);
    if (!present) return;
    for (const Doomed& doomed : links)
        for (const sdk::Link& link : *present)
            if (link.index == doomed.index && link.alias == doomed.alias)
                sdk::queue_link_removal(*socket, link.index);
    // Those that went with their namespace meanwhile are refused, one by one; the others are
    // removed.
    (void)socket->commit();
}

}  // namespace davit::bridge
