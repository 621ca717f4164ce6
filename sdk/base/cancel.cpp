// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/cancel.hpp"

#include <sys/eventfd.h>

namespace davit {

Result<std::shared_ptr<Cancel>> Cancel::create() {
    Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) return os_error("create cancel event");
    return std::shared_ptr<Cancel>(new Cancel(std::move(event)));
}

void Cancel::request() {
    if (requested_.exchange(true, std::memory_order_acq_rel)) return;
    ::eventfd_write(event_.get(), 1);  // cannot fail: the counter holds 0 or 1
}

Result<void> Cancel::check(std::string_view doing) const {
    if (requested()) return fail(Code::cancelled, doing, ": cancelled");
    return {};
}

}  // namespace davit
