// SPDX-License-Identifier: Apache-2.0
// davit.engine/1: the C table that services call, on their own threads.
#include "core/engine/engine.hpp"

#include "core/plugin/host_table.hpp"
#include "davit/draft/service.h"
#include "sdk/base/json.hpp"
#include "sdk/plugin/entry.hpp"

#include <boost/json.hpp>

#include <fcntl.h>

#include <optional>
#include <utility>

namespace davit::engine {

namespace {

Engine& engine_of(const davit_host* host) {
    return *static_cast<Engine*>(plugin::HostTable::engine_of(host));
}

// While it lives, the service's request to stop reaches the operation's Cancel.
class Bridge {
public:
    Bridge(run::Watcher& watcher, const davit_call* call, std::shared_ptr<Cancel> cancel)
        : watcher_(watcher) {
        if (call->cancelled(call) != 0) cancel->request();
        if (call->cancel_fd < 0) return;
        Fd copy(::fcntl(call->cancel_fd, F_DUPFD_CLOEXEC, 0));
        if (!copy) return;
        if (auto token = watcher_.at_once(std::move(copy), [cancel] { cancel->request(); }))
            token_ = *token;
    }
    ~Bridge() {
        if (token_) watcher_.forget(*token_);
    }
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;

private:
    run::Watcher& watcher_;
    std::optional<run::Watcher::Token> token_;
};

job::Job::Emit emit_to(const davit_call* call) {
    return [call](const davit_answer& answer) -> Result<void> {
        const davit_status status = call->emit(call, &answer);
        if (status == DAVIT_OK) return {};
        return fail(static_cast<Code>(status), "answer client: it went away");
    };
}

template <class Use>
davit_status with_request(const davit_host* host, const davit_call* call,
                          const davit_operation* raw, Use use) noexcept {
    return sdk::detail::guarded(call, [&]() -> Result<void> {
        const davit_operation operation = TRY(sdk::detail::receive(raw));
        const std::string_view args = sdk::view(operation.args);
        const boost::json::object parsed =
            args.empty() ? boost::json::object() : TRY(json::parse_object(args, "arguments"));
        const job::Request request{.name = sdk::view(operation.name),
                                   .args = &parsed,
                                   .body = sdk::view(operation.body),
                                   .auth = sdk::view(operation.auth),
                                   .input = operation.input_fd,
                                   .peer_uid = operation.peer_uid};
        auto cancel = TRY(Cancel::create());
        Engine& engine = engine_of(host);
        const Bridge bridge(engine.watcher(), call, cancel);
        return use(engine, request, cancel);
    });
}

davit_status submit(const davit_host* host, const davit_call* call,
                    const davit_operation* raw) noexcept {
    return with_request(
        host, call, raw, [&](Engine& engine, const job::Request& request, auto cancel) {
            return engine.run(Engine::Kind::job, request, std::move(cancel), emit_to(call));
        });
}

davit_status query(const davit_host* host, const davit_call* call,
                   const davit_operation* raw) noexcept {
    return with_request(
        host, call, raw, [&](Engine& engine, const job::Request& request, auto cancel) {
            return engine.run(Engine::Kind::query, request, std::move(cancel), emit_to(call));
        });
}

davit_status cancel_job(const davit_host* host, const davit_call* call,
                        const davit_job_key* raw) noexcept {
    return sdk::detail::guarded(call, [&]() -> Result<void> {
        const davit_job_key key = TRY(sdk::detail::receive(raw));
        return engine_of(host).jobs().cancel(sdk::text(key.id));
    });
}

davit_status subscribe(const davit_host* host, const davit_call* call,
                       const davit_operation* raw) noexcept {
    return with_request(host, call, raw,
                        [&](Engine& engine, const job::Request& request, auto cancel) {
                            return engine.subscribe(request, *cancel, emit_to(call));
                        });
}

}  // namespace

const davit_engine& engine_table() {
    static constexpr davit_engine kTable = {sizeof(davit_engine), 0,         &submit, &query,
                                            &cancel_job,          &subscribe};
    return kTable;
}

}  // namespace davit::engine
