// SPDX-License-Identifier: Apache-2.0
// One operation under way: what it was asked, how it answers, and how it is stopped. Handlers of
// the engine get a reference; it lives until the handler returns. Answers go to the client on the
// handler's thread.
#pragma once

#include "davit/draft/service.h"
#include "sdk/base/cancel.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace davit::job {

// What was asked. Borrowed from the service until the operation ends.
struct Request {
    std::string_view name;            // "container.start"
    const boost::json::object* args;  // path and query of the API call
    std::string_view body;            // JSON as the client sent it; may be empty
    std::string_view auth;            // JSON of X-Registry-Auth; never logged
    int input = -1;                   // what the client streams in
    std::uint32_t peer_uid = UINT32_MAX;
};

class Job {
public:
    using Emit = std::function<Result<void>(const davit_answer&)>;

    Job(const Request& request, std::shared_ptr<Cancel> cancel, Emit emit);

    const Request& request() const { return request_; }
    const std::shared_ptr<Cancel>& cancel() const { return cancel_; }

    // The argument as text; empty when absent. Booleans follow Docker: "", "0", "no", "false",
    // "none" are false.
    std::string argument(std::string_view name) const;
    bool flag(std::string_view name, bool fallback = false) const;

    // The JSON result: the body of the answer.
    Result<void> result(const boost::json::value& value);
    // One JSON object of the operation's stream.
    Result<void> progress(const boost::json::value& value);
    // The operation will succeed or stream: the client may be told so now.
    enum class Terminal { no, yes };
    Result<void> started(Terminal terminal = Terminal::no);
    // Bytes of the container: stream 1 is stdout, 2 stderr.
    Result<void> output(std::uint32_t stream, std::string_view bytes, Terminal terminal);
    // Bytes of an archive. A `result` before the first of them describes the path that it is of.
    Result<void> bytes(std::string_view bytes);
    // The container's streams; the receiver owns them afterwards.
    Result<void> streams(Fd in, Fd out, Fd err, Terminal terminal);
    // The job's id, first of all its answers.
    Result<void> announce(const std::string& id);
    // Already so: nothing was changed.
    Result<void> same();

    // For `davit jobs`: what it is about and how far it is. Thread-safe.
    void describe(std::string object);
    struct Description {
        std::string object, last_progress;
    };
    Description description() const;

private:
    Result<void> emit(davit_answer answer) { return emit_(answer); }

    Request request_;
    std::shared_ptr<Cancel> cancel_;
    Emit emit_;
    mutable std::mutex mutex_;
    Description description_;
};

}  // namespace davit::job
