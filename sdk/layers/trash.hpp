// SPDX-License-Identifier: Apache-2.0
// Deletes trees in the background, so that removing a layer costs one rename. Used by LayerTree.
// Thread-safe. Its thread lives while there is something to delete, and is over when the object is.
#pragma once

#include "sdk/base/file.hpp"
#include "sdk/layers/files.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace davit::layers {

using Warn =
    std::function<void(const std::string&)>;  // a line in the engine's log, from any thread

class Trash {
public:
    // Borrows the instance's directory and how its layers are deleted.
    Trash(int root, const Files& files, Warn warn)
        : root_(root), files_(files), warn_(std::move(warn)) {}
    Trash(const Trash&) = delete;
    Trash& operator=(const Trash&) = delete;
    ~Trash();  // stops in the middle of a tree; the rest is found at the next open

    // Continues with what an earlier process left. How many trees that is.
    Result<std::size_t> open();
    // Takes `path`, relative to the root, away at once and deletes it later. Not found is OK.
    Result<void> take(const std::string& path);
    // Returns once everything taken before is deleted. Errors: cancelled; what deletion met.
    Result<void> drain(const StopFlag& stop);

private:
    void wake();  // with mutex_ held
    void work();
    Result<void> delete_all(int trash) const;

    int root_;
    const Files& files_;
    Warn warn_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::thread thread_;
    bool running_ = false;  // the thread is deleting or about to look again
    bool more_ = false;     // something came since it looked last
    std::atomic<bool> stop_{false};
    Error problem_;  // of the last round
    bool failed_ = false;
    std::uint64_t next_ = 0;
};

}  // namespace davit::layers
