// SPDX-License-Identifier: Apache-2.0
// A request to stop, shared by the one who asks and everyone who works. Thread-safe.
// The descriptor (an eventfd) becomes readable and stays so; waits include it in their poll set.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <atomic>
#include <memory>

namespace davit {

class Cancel {
public:
    static Result<std::shared_ptr<Cancel>> create();
    void request();                                  // idempotent, from any thread
    bool requested() const { return requested_.load(std::memory_order_acquire); }
    int fd() const { return event_.get(); }          // readable once requested; owned by this object
    // OK, or `cancelled` with "<doing>: cancelled".
    Result<void> check(std::string_view doing) const;

private:
    explicit Cancel(Fd event) : event_(std::move(event)) {}
    Fd event_;
    std::atomic<bool> requested_{false};
};

}  // namespace davit
