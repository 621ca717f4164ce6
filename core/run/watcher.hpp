// SPDX-License-Identifier: Apache-2.0
// One thread that waits for descriptors (pidfds, eventfds) and timers, and posts what follows to
// the worker pool. It never calls a driver and never blocks on anything else. Thread-safe.
#pragma once

#include "core/run/worker_pool.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace davit::run {

class Watcher {
public:
    using Token = std::uint64_t;  // names one watch; never reused

    static Result<std::unique_ptr<Watcher>> create(WorkerPool& pool);
    ~Watcher();  // nothing is posted any more once it returns
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    // Posts `then` once, when `fd` becomes readable; the watch ends with it.
    Result<Token> when_readable(Fd fd, std::function<void()> then);
    // Posts `then` once, when the time has passed.
    Result<Token> after(std::chrono::nanoseconds time, std::function<void()> then);
    // Runs `then` on the watcher's own thread when `fd` becomes readable. For what takes no time:
    // setting a flag.
    Result<Token> at_once(Fd fd, std::function<void()> then);
    // Ends a watch. False: it has fired already.
    bool forget(Token token);

private:
    struct Watch {
        Fd fd;
        std::function<void()> then;
        bool inline_call = false;
    };
    Watcher(WorkerPool& pool, Fd epoll, Fd stop);
    Result<Token> add(Fd fd, std::function<void()> then, bool inline_call);
    void loop();
    void fire(Token token);

    WorkerPool& pool_;
    Fd epoll_, stop_;
    std::mutex mutex_;
    Token next_ = 1;
    std::map<Token, Watch> watches_;
    std::thread thread_;
};

}  // namespace davit::run
