// SPDX-License-Identifier: Apache-2.0
// What the tests of streams share: pipes, a latch, requests as text and frames. Used by one test at
// a time.
#pragma once

#include "sdk/base/fd.hpp"

#include <condition_variable>
#include <mutex>
#include <string>

namespace davit::docker_api::test {

// A latch that a test and the plugin's thread meet at.
class Signal {
public:
    void set() {
        const std::lock_guard lock(mutex_);
        set_ = true;
        changed_.notify_all();
    }
    bool wait() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return set_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

struct Pipe {
    Fd read, write;
    Pipe();
};

std::string read_all(int fd);
// One frame of stdout (1) or stderr (2).
std::string frame(char stream, const std::string& bytes);
std::string request(const std::string& line, const std::string& headers = {},
                    const std::string& body = {});
inline const std::string kUpgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

}  // namespace davit::docker_api::test
