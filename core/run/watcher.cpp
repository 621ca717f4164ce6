// SPDX-License-Identifier: Apache-2.0
#include "core/run/watcher.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <array>
#include <utility>

namespace davit::run {

namespace {

constexpr std::uint64_t kStop = 0;  // epoll data of the stop event; tokens start at 1

}  // namespace

Result<std::unique_ptr<Watcher>> Watcher::create(WorkerPool& pool) {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return os_error("create epoll");
    Fd stop(::eventfd(0, EFD_CLOEXEC));
    if (!stop) return os_error("create eventfd");
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kStop}};
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, stop.get(), &event) != 0)
        return os_error("watch eventfd");
    return std::unique_ptr<Watcher>(new Watcher(pool, std::move(epoll), std::move(stop)));
}

Watcher::Watcher(WorkerPool& pool, Fd epoll, Fd stop)
    : pool_(pool), epoll_(std::move(epoll)), stop_(std::move(stop)), thread_([this] { loop(); }) {}

Watcher::~Watcher() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
}

Result<Watcher::Token> Watcher::when_readable(Fd fd, std::function<void()> then) {
    return add(std::move(fd), std::move(then), false);
}

Result<Watcher::Token> Watcher::at_once(Fd fd, std::function<void()> then) {
    return add(std::move(fd), std::move(then), true);
}

Result<Watcher::Token> Watcher::after(std::chrono::nanoseconds time, std::function<void()> then) {
    Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer) return os_error("create timer");
    const auto count = std::max<std::int64_t>(time.count(), 1);  // 0 would disarm it
    const itimerspec when{.it_interval = {},
                          .it_value = {count / 1'000'000'000, count % 1'000'000'000}};
    if (::timerfd_settime(timer.get(), 0, &when, nullptr) != 0) return os_error("set timer");
    return add(std::move(timer), std::move(then), false);
}

Result<Watcher::Token> Watcher::add(Fd fd, std::function<void()> then, bool inline_call) {
    std::lock_guard lock(mutex_);
    const Token token = next_++;
    const int number = fd.get();
    watches_.emplace(token, Watch{std::move(fd), std::move(then), inline_call});
    epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = token}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event) != 0) {
        watches_.erase(token);
        return os_error("watch descriptor");
    }
    return token;
}

bool Watcher::forget(Token token) {
    Watch ended;  // destroyed after the lock: what `then` captured may be anything
    std::lock_guard lock(mutex_);
    const auto found = watches_.find(token);
    if (found == watches_.end()) return false;
    // Closing alone would not do: a duplicate of the descriptor elsewhere would keep the
    // registration alive.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd.get(), nullptr);
    ended = std::move(found->second);
    watches_.erase(found);
    return true;
}

void Watcher::fire(Token token) {
    Watch ended;
    {
        std::lock_guard lock(mutex_);
        const auto found = watches_.find(token);
        if (found == watches_.end()) return;  // forgotten while the event was under way
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd.get(), nullptr);
        ended = std::move(found->second);
        watches_.erase(found);
    }
    if (ended.inline_call)
        ended.then();
    else
        pool_.post(std::move(ended.then));
}

void Watcher::loop() {
    std::array<epoll_event, 64> events;
    while (true) {
        const int count =
            ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            if (events[static_cast<std::size_t>(i)].data.u64 == kStop) return;
            fire(events[static_cast<std::size_t>(i)].data.u64);
        }
    }
}

}  // namespace davit::run
