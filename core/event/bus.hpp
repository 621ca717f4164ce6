// SPDX-License-Identifier: Apache-2.0
// What happened, for `events`: the last kKept events stay in memory, subscribers wait for more.
// Thread-safe.
#pragma once

#include "sdk/base/cancel.hpp"
#include "sdk/base/result.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace davit::event {

// An event as the Engine API's EventMessage has it.
struct Event {
    std::string type, action, id;  // "container", "start", the object's id
    std::map<std::string, std::string> attributes;
    std::int64_t time_ns = 0;
    std::uint64_t number = 0;  // set by the bus, counts from 1
};

class Bus {
public:
    // As many as Docker keeps: enough for a client that reconnects after a moment.
    static constexpr std::size_t kKept = 256;

    // Sets time and number.
    void publish(Event event);

    struct Range {
        std::int64_t since_ns = 0;  // 0: only new ones
        std::int64_t until_ns = 0;  // 0: for ever
    };
    // Calls `each` for every event of the range, in order, until the range ends, `each` fails or
    // `cancel` is requested. `interrupt` must be called when `cancel` is requested.
    Result<void> follow(Range range, const Cancel& cancel,
                        const std::function<Result<void>(const Event&)>& each);
    // Wakes every follower, so that it looks at its Cancel again.
    void interrupt();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<const Event>> kept_;
    std::uint64_t last_ = 0;
};

}  // namespace davit::event
