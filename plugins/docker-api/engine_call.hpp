// SPDX-License-Identifier: Apache-2.0
// One call of the engine (davit/draft/service.h): makes the davit_call, receives what the engine
// hands over, and brings the outcome back as Result. Used by the connection's thread; one call at a
// time.
#pragma once

#include "davit/draft/service.h"
#include "plugins/docker-api/routes.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <initializer_list>

namespace davit::docker_api {

// The engine as the host lent it.
struct Engine {
    const davit_host* host = nullptr;
    const davit_engine* table = nullptr;
};

// Receives an operation's answers in their order, on the thread of the call.
class Answers {
public:
    virtual Result<void> take(const davit_answer& answer) = 0;

protected:
    ~Answers() = default;
};

// When a call is to end: a descriptor that becomes readable once one of several sources is. The
// kernel watches them; nobody has to wake up for it.
class CancelSet {
public:
    // `stop_fd` alone is free; watch() adds to it.
    explicit CancelSet(int stop_fd) : stop_fd_(stop_fd) {}

    // Also once the peer of this socket has closed its sending side, which is how dockerd sees a
    // client leave.
    Result<void> watch_peer(int socket);
    // Also once `fd` is readable.
    Result<void> watch(int fd);
    int fd() const { return set_ ? set_.get() : stop_fd_; }

private:
    Result<void> add(int fd, unsigned events);

    int stop_fd_;
    Fd set_;  // epoll(7): readable when one of its members is ready
};

class EngineCall {
public:
    // Both outlive the call.
    EngineCall(const CancelSet& cancel, Answers& answers);
    EngineCall(const EngineCall&) = delete;
    EngineCall& operator=(const EngineCall&) = delete;

    Result<void> run(const Engine& engine, Ask ask, const davit_operation& operation);

private:
    davit_call call_{};
    Answers& answers_;
    Error error_;
    bool failed_ = false;

    static EngineCall& of(const davit_call* call) { return *static_cast<EngineCall*>(call->host); }
    static davit_status emit(const davit_call* call, const void* record) noexcept;
    Result<void> receive(const void* record);
};

}  // namespace davit::docker_api
