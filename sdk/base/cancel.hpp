// SPDX-License-Identifier: Apache-2.0
// A request to stop, shared by the one who asks and everyone who works. Thread-safe.
// The descriptor (an eventfd) becomes readable and stays so; waits include it in their poll set.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace davit {

class Cancel {
public:
    static Result<std::shared_ptr<Cancel>> create();
    void request();  // idempotent, from any thread

    // While it lives, `wake` runs once cancellation is requested: at once if it has been, else on
    // the thread that requests. For those who wait on a condition variable. Never destroyed while
    // `wake` runs, so `wake` must not destroy it.
    class [[nodiscard]] Subscription {
    public:
        Subscription(Cancel& cancel, std::function<void()> wake);
        ~Subscription();
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;

    private:
        Cancel& cancel_;
        std::uint64_t number_ = 0;
    };
    bool requested() const { return requested_.load(std::memory_order_acquire); }
    int fd() const { return event_.get(); }  // readable once requested; owned by this object
    // OK, or `cancelled` with "<doing>: cancelled".
    Result<void> check(std::string_view doing) const;

private:
    explicit Cancel(Fd event) : event_(std::move(event)) {}
    Fd event_;
    std::atomic<bool> requested_{false};
    std::mutex mutex_;  // held while subscribers are woken
    std::uint64_t next_ = 0;
    std::map<std::uint64_t, std::function<void()>> subscribers_;
};

}  // namespace davit
