// SPDX-License-Identifier: Apache-2.0
// The story of a pull or push as lines for a client: from several threads, one at a time; how far
// one layer is at most ten times a second. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace davit::image {

// In Docker's words.
struct PullProgress {
    std::string id;                        // a layer's short ID, the tag, or empty
    std::string status;                    // "Downloading", "Pull complete", …
    std::uint64_t current = 0, total = 0;  // bytes; total 0: nothing to show
};

class ProgressLines {
public:
    using Tell = std::function<void(const PullProgress&)>;
    explicit ProgressLines(const Tell& tell) : tell_(tell) {}

    void show(const PullProgress& line) {
        constexpr std::chrono::milliseconds kBetween{100};
        const std::lock_guard lock(mutex_);
        if (!tell_) return;
        if (line.total > 0) {
            const auto now = std::chrono::steady_clock::now();
            auto& last = last_[line.id];
            if (now - last < kBetween) return;
            last = now;
        }
        tell_(line);
    }

private:
    const Tell& tell_;
    std::mutex mutex_;
    std::map<std::string, std::chrono::steady_clock::time_point> last_;
};

}  // namespace davit::image
