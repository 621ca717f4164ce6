// SPDX-License-Identifier: Apache-2.0
#include "sdk/plugin/caller.hpp"

namespace davit::sdk {

// Drivers run on the thread of the call; an exception of ours must not unwind through their frames.
Caller::Caller(std::shared_ptr<const Cancel> cancel) : cancel_(std::move(cancel)) {
    call_.size = sizeof call_;
    call_.cancel_fd = cancel_ ? cancel_->fd() : -1;
    call_.id = str("");
    call_.trace = str("");
    call_.host = this;
    call_.cancelled = [](const davit_call* call) noexcept -> std::int32_t {
        const auto& cancel_token = of(call).cancel_;
        return cancel_token && cancel_token->requested() ? 1 : 0;
    };
    call_.progress = [](const davit_call* call, davit_str stage, std::uint64_t done,
                        std::uint64_t total) noexcept {
        if (const auto& progress = of(call).progress_) progress(view(stage), done, total);
    };
    call_.log = [](const davit_call* call, std::int32_t level, davit_str line,
                   const davit_kv* fields, std::uint64_t count) noexcept {
        if (const auto& log = of(call).log_) log(level, view(line), fields, count);
    };
    call_.fail = [](const davit_call* call, davit_status code, std::int32_t os_errno,
                    davit_str what) noexcept {
        Caller& caller = of(call);
        caller.failed_ = true;
        caller.error_ = Error{static_cast<Code>(code), os_errno, text(what)};
        return code;
    };
    call_.emit = [](const davit_call* call, const void* record) noexcept -> davit_status {
        Caller& caller = of(call);
        if (!caller.sink_ || record == nullptr) return DAVIT_INVALID;
        Result<void> taken = caller.sink_(record);
        if (taken) return DAVIT_OK;
        caller.failed_ = true;
        caller.error_ = std::move(taken).error();
        return static_cast<davit_status>(caller.error_.code);
    };
}

void Caller::set_id(std::string id) {
    id_ = std::move(id);
    call_.id = str(id_);
}

void Caller::begin(Sink sink) {
    sink_ = std::move(sink);
    failed_ = false;
    error_ = {};
}

Result<void> Caller::finish(davit_status status) {
    sink_ = nullptr;
    if (status == DAVIT_OK) return {};
    const bool known = status > DAVIT_OK && status <= DAVIT_INTERNAL;
    const Code code = known ? static_cast<Code>(status) : Code::internal;
    if (failed_) return Error{code, error_.os_errno, std::move(error_.what)};
    return fail(code, "call driver: ", code_name(code), ", and it gave no reason");
}

davit_status Caller::missing() {
    return call_.fail(&call_, DAVIT_UNSUPPORTED, 0, str("call driver: it lacks this operation"));
}

}  // namespace davit::sdk
