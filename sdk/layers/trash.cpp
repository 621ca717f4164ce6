// SPDX-License-Identifier: Apache-2.0
#include "sdk/layers/trash.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>

namespace davit::layers {

Trash::~Trash() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
}

Result<std::size_t> Trash::open() {
    const Fd trash = TRY(open_beneath(root_, "trash", O_RDONLY | O_DIRECTORY));
    const std::vector<std::string> names = TRY(list_names(trash.get()));
    const std::lock_guard lock(mutex_);
    for (const std::string& name : names) {
        std::uint64_t number = 0;
        std::from_chars(name.data(), name.data() + name.size(), number);
        next_ = std::max(next_, number + 1);
    }
    if (!names.empty()) wake();
    return names.size();
}

Result<void> Trash::take(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const std::string target = "trash/" + std::to_string(next_++);
    if (::renameat(root_, path.c_str(), root_, target.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return os_error("move " + path + " to trash");
    }
    wake();
    return {};
}

void Trash::wake() {
    more_ = true;
    if (running_) return;
    if (thread_.joinable()) thread_.join();  // `running_` is false: it needs the lock no more
    running_ = true;
    thread_ = std::thread([this] { work(); });
}

Result<void> Trash::drain(const StopFlag& stop) {
    using namespace std::chrono_literals;
    std::unique_lock lock(mutex_);
    while (running_) {
        if (stop && stop()) return fail(Code::cancelled, "empty trash: cancelled");
        changed_.wait_for(lock, 20ms);
    }
    if (failed_) return problem_;
    return {};
}

void Trash::work() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);  // the process's signals are its host's business
    ::pthread_setname_np(::pthread_self(), "layer-trash");

    std::unique_lock lock(mutex_);
    while (more_ && !stop_) {
        more_ = false;
        lock.unlock();
        Result<Fd> trash = open_beneath(root_, "trash", O_RDONLY | O_DIRECTORY);
        Result<void> done = trash ? delete_all(trash->get()) : Result<void>(trash.error());
        if (!done && done.error().code != Code::cancelled)
            warn_("empty trash: " + done.error().what);
        lock.lock();
        failed_ = !done;
        if (!done) problem_ = std::move(done).error();
    }
    running_ = false;
    changed_.notify_all();
}

// One tree that cannot be deleted does not keep the others.
Result<void> Trash::delete_all(int trash) const {
    const StopFlag stop = [this] { return stop_.load(); };
    Result<void> outcome;
    for (const std::string& name : TRY(list_names(trash))) {
        Result<void> removed = files_.remove(trash, name, stop);
        if (!removed) outcome = std::move(removed).error();
    }
    return outcome;
}

}  // namespace davit::layers
