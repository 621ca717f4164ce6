// SPDX-License-Identifier: Apache-2.0
// The host's side of the ABI: makes the davit_call, sizes the structs, and brings statuses back as
// Result. Used by core for every driver call and by the contract suites. One Caller serves one
// operation at a time.
#pragma once

#include "davit/module.h"
#include "sdk/base/cancel.hpp"
#include "sdk/base/result.hpp"
#include "sdk/plugin/value.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace davit::sdk {

class Caller {
public:
    using Progress =
        std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)>;
    using Log = std::function<void(int level, std::string_view line, const davit_kv* fields,
                                   std::uint64_t count)>;
    // Receives each emitted record; an error stops the list and becomes the operation's.
    using Sink = std::function<Result<void>(const void* record)>;

    explicit Caller(std::shared_ptr<const Cancel> cancel = nullptr);
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    void on_progress(Progress progress) { progress_ = std::move(progress); }
    void on_log(Log log) { log_ = std::move(log); }
    void set_deadline(std::uint64_t monotonic_ns) { call_.deadline = monotonic_ns; }
    void set_id(std::string id);
    const davit_call* raw() const { return &call_; }

    // Operations with a request and a result.
    template <Sized Request, Sized Out>
    Result<Out> ask(davit_status (*operation)(davit_instance*, const davit_call*, const Request*,
                                              Out*),
                    davit_instance* self, std::type_identity_t<Request> request) {
        auto out = sized<Out>();
        request.size = sizeof(Request);
        begin(nullptr);
        TRY(finish(operation == nullptr ? missing() : operation(self, &call_, &request, &out)));
        return out;
    }
    // As above, but what the driver wrote into `out` is kept when it fails too
    // (davit_registry_fetched).
    template <Sized Request, Sized Out>
    Result<void> ask_into(davit_status (*operation)(davit_instance*, const davit_call*,
                                                    const Request*, Out*),
                          davit_instance* self, std::type_identity_t<Request> request, Out& out) {
        out.size = sizeof(Out);
        request.size = sizeof(Request);
        begin(nullptr);
        return finish(operation == nullptr ? missing() : operation(self, &call_, &request, &out));
    }
    // Operations with a request only.
    template <Sized Request>
    Result<void> tell(davit_status (*operation)(davit_instance*, const davit_call*, const Request*),
                      davit_instance* self, std::type_identity_t<Request> request) {
        request.size = sizeof(Request);
        begin(nullptr);
        return finish(operation == nullptr ? missing() : operation(self, &call_, &request));
    }
    // Operations that emit records of type Record.
    template <Sized Record, Sized Request, class Each>
    Result<void> list(davit_status (*operation)(davit_instance*, const davit_call*, const Request*),
                      davit_instance* self, std::type_identity_t<Request> request, Each each) {
        request.size = sizeof(Request);
        begin(sink_of<Record>(std::move(each)));
        return finish(operation == nullptr ? missing() : operation(self, &call_, &request));
    }
    template <Sized Record, class Each>
    Result<void> list(davit_status (*operation)(davit_instance*, const davit_call*),
                      davit_instance* self, Each each) {
        begin(sink_of<Record>(std::move(each)));
        return finish(operation == nullptr ? missing() : operation(self, &call_));
    }
    Result<void> run(davit_status (*operation)(davit_instance*, const davit_call*),
                     davit_instance* self) {
        begin(nullptr);
        return finish(operation == nullptr ? missing() : operation(self, &call_));
    }

    // For functions that take no instance (davit_driver::open, ::probe): begin(sink); status = …;
    // finish(status).
    void begin(Sink sink);
    Result<void> finish(davit_status status);

    // A sink that gives `each` every record as this host knows it (missing members zero).
    // `each(const Record&)` returns void or Result<void>.
    template <Sized Record, class Each>
    static Sink sink_of(Each each) {
        return [each = std::move(each)](const void* raw) mutable -> Result<void> {
            std::uint32_t size = 0;
            std::memcpy(&size, raw, sizeof size);
            auto record = sized<Record>();
            std::memcpy(&record, raw, std::min<std::size_t>(size, sizeof(Record)));
            record.size = sizeof(Record);
            if constexpr (std::is_void_v<decltype(each(record))>) {
                each(record);
                return {};
            } else {
                return each(record);
            }
        };
    }

private:
    davit_status missing();
    static Caller& of(const davit_call* call) { return *static_cast<Caller*>(call->host); }

    davit_call call_{};
    std::shared_ptr<const Cancel> cancel_;
    std::string id_;
    Progress progress_;
    Log log_;
    Sink sink_;
    Error error_;
    bool failed_ = false;
};

}  // namespace davit::sdk
