// SPDX-License-Identifier: Apache-2.0
// Removes links off the path of those who wait: RTM_DELLINK lasts several RCU grace periods (some
// 14 ms). One thread, started with the first link and joined by the destructor, which carries out
// what is still due. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace davit::bridge {

class Reaper {
public:
    Reaper() = default;
    ~Reaper();
    Reaper(const Reaper&) = delete;
    Reaper& operator=(const Reaper&) = delete;

    // Removes the link at index `index` after `delay`, if its alias is still `alias` then: an index
    // is used again.
    void remove(int index, std::string alias, std::chrono::milliseconds delay);

private:
    using Clock = std::chrono::steady_clock;
    struct Doomed {
        int index;
        std::string alias;
        Clock::time_point due;
    };
    void run();
    static void carry_out(const std::vector<Doomed>& links);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Doomed> doomed_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace davit::bridge
