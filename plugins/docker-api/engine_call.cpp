// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/engine_call.hpp"

#include "sdk/plugin/value.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <algorithm>
#include <cstring>
#include <exception>

namespace davit::docker_api {

using sdk::sized;
using sdk::str;

Result<void> CancelSet::add(int fd, unsigned events) {
    epoll_event event{};
    event.events = events;
    if (::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event) < 0)
        return os_error("watch for the end of a call");
    return {};
}

Result<void> CancelSet::watch(int fd) {
    if (!set_) {
        set_.reset(::epoll_create1(EPOLL_CLOEXEC));
        if (!set_) return os_error("watch for the end of a call");
        TRY(add(stop_fd_, EPOLLIN));
    }
    return add(fd, EPOLLIN);
}

Result<void> CancelSet::watch_peer(int socket) {
    if (!set_) {
        set_.reset(::epoll_create1(EPOLL_CLOEXEC));
        if (!set_) return os_error("watch for the end of a call");
        TRY(add(stop_fd_, EPOLLIN));
    }
    return add(socket, EPOLLRDHUP);
}

EngineCall::EngineCall(const CancelSet& cancel, Answers& answers) : answers_(answers) {
    call_.size = sizeof call_;
    call_.cancel_fd = cancel.fd();
    call_.id = str("");
    call_.trace = str("");
    call_.host = this;
    call_.cancelled = [](const davit_call* call) noexcept -> std::int32_t {
        pollfd cancelled{call->cancel_fd, POLLIN, 0};
        return ::poll(&cancelled, 1, 0) > 0 ? 1 : 0;
    };
    call_.progress = [](const davit_call*, davit_str, std::uint64_t, std::uint64_t) noexcept {
    };  // comes as answers
    call_.log = [](const davit_call*, std::int32_t, davit_str, const davit_kv*,
                   std::uint64_t) noexcept {};
    call_.fail = [](const davit_call* call, davit_status code, std::int32_t os_errno,
                    davit_str what) noexcept {
        of(call).failed_ = true;
        of(call).error_ = Error{static_cast<Code>(code), os_errno, sdk::text(what)};
        return code;
    };
    call_.emit = &EngineCall::emit;
}

// An older engine's answer is shorter, a newer one's longer: what is missing is zero, what is
// unknown is not read.
Result<void> EngineCall::receive(const void* record) {
    std::uint32_t size = 0;
    std::memcpy(&size, record, sizeof size);
    auto answer = sized<davit_answer>();
    std::memcpy(&answer, record, std::min<std::size_t>(size, sizeof answer));
    return answers_.take(answer);
}

davit_status EngineCall::emit(const davit_call* call, const void* record) noexcept {
    EngineCall& self = of(call);
    Error error{Code::internal, 0, "take answer: out of memory"};
    try {
        Result<void> taken = self.receive(record);
        if (taken) return DAVIT_OK;
        error = std::move(taken).error();
    } catch (const std::exception&) {  // of ours; must not unwind through the engine's frames
    }
    self.failed_ = true;
    self.error_ = std::move(error);
    return static_cast<davit_status>(self.error_.code);
}

Result<void> EngineCall::run(const Engine& engine, Ask ask, const davit_operation& operation) {
    auto* const function = ask == Ask::query ? engine.table->query
                           : ask == Ask::job ? engine.table->submit
                                             : engine.table->subscribe;
    const davit_status status = function(engine.host, &call_, &operation);
    if (status == DAVIT_OK) return {};
    const Code code =
        status > DAVIT_OK && status <= DAVIT_INTERNAL ? static_cast<Code>(status) : Code::internal;
    if (failed_) return Error{code, error_.os_errno, std::move(error_.what)};
    return fail(code, "ask engine: ", code_name(code), ", and it gave no reason");
}

}  // namespace davit::docker_api
