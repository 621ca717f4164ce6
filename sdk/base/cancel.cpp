// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/cancel.hpp"

#include <sys/eventfd.h>

#include <utility>

namespace davit {

Result<std::shared_ptr<Cancel>> Cancel::create() {
    Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) return os_error("create cancel event");
    return std::shared_ptr<Cancel>(new Cancel(std::move(event)));
}

void Cancel::request() {
    if (requested_.exchange(true, std::memory_order_acq_rel)) return;
    ::eventfd_write(event_.get(), 1);  // cannot fail: the counter holds 0 or 1
    std::lock_guard lock(mutex_);
    for (const auto& [number, wake] : subscribers_) wake();
}

Cancel::Subscription::Subscription(Cancel& cancel, std::function<void()> wake) : cancel_(cancel) {
    std::lock_guard lock(cancel_.mutex_);
    number_ = cancel_.next_++;
    if (cancel_.requested()) wake();
    cancel_.subscribers_.emplace(number_, std::move(wake));
}

Cancel::Subscription::~Subscription() {
    std::lock_guard lock(cancel_.mutex_);
    cancel_.subscribers_.erase(number_);
}

Result<void> Cancel::check(std::string_view doing) const {
    if (requested()) return fail(Code::cancelled, doing, ": cancelled");
    return {};
}

}  // namespace davit
