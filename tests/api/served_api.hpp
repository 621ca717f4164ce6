// SPDX-License-Identifier: Apache-2.0
// docker-api.so, loaded as the engine loads it and serving on a unix socket of its own, in front of
// an engine whose operations the test writes. One per test; the engine's functions run on the
// plugin's threads.
#pragma once

#include "davit/draft/service.h"
#include "sdk/base/fd.hpp"
#include "sdk/plugin/caller.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace davit::docker_api::test {

// One operation as the engine got it, and the means to answer it.
class Asked {
public:
    Asked(const davit_call* call, const davit_operation* operation)
        : call_(call), operation_(operation) {}

    std::string name() const { return sdk::text(operation_->name); }
    std::string args() const { return sdk::text(operation_->args); }
    std::string body() const { return sdk::text(operation_->body); }
    std::string auth() const { return sdk::text(operation_->auth); }
    std::uint32_t peer_uid() const { return operation_->peer_uid; }
    int input() const { return operation_->input_fd; }
    int cancel_fd() const { return call_->cancel_fd; }
    bool cancelled() const { return call_->cancelled(call_) != 0; }
    bool wait_cancelled(int milliseconds) const;

    davit_status answer(std::uint32_t kind, const std::string& text = {},
                        bool terminal = false) const;
    davit_status result(const std::string& json) const { return answer(DAVIT_ANSWER_RESULT, json); }
    davit_status output(std::uint32_t stream, const std::string& bytes,
                        bool terminal = false) const;
    davit_status streams(int in, int out, int err, bool terminal) const;
    davit_status fail(davit_status code, const std::string& text) const;

private:
    const davit_call* call_;
    const davit_operation* operation_;
};

class ServedApi {
public:
    using Operation = std::function<davit_status(const Asked&)>;

    ServedApi();
    ~ServedApi();
    ServedApi(const ServedApi&) = delete;
    ServedApi& operator=(const ServedApi&) = delete;

    // What the engine does when `name` is asked; UNSUPPORTED for every other.
    void on(const std::string& name, Operation operation);
    const std::string& socket_path() const { return socket_path_; }
    void stop();
    // The names of all operations that were asked, in order.
    std::vector<std::string> asked();

private:
    static davit_status dispatch(const davit_host* host, const davit_call* call,
                                 const davit_operation* operation);

    std::string directory_;
    std::string socket_path_;
    Fd listener_;
    davit_host host_{};
    davit_engine engine_{};
    davit_instance* instance_ = nullptr;
    std::mutex mutex_;
    std::map<std::string, Operation> operations_;
    std::vector<std::string> asked_;
};

}  // namespace davit::docker_api::test
