// SPDX-License-Identifier: Apache-2.0
// The driver's side of the ABI: one variadic template turns every method of a driver class into the
// C function of its table, so that a driver author writes one class and one line (DAVIT_DRIVER).
// See storage_driver.hpp and its siblings for the classes. What a thunk guarantees: requests of any
// older or newer host arrive complete (missing members zero; unknown ones that are not zero are
// refused), results are cut to the host's size, nothing throws.
#pragma once

#include "davit/module.h"
#include "sdk/base/result.hpp"
#include "sdk/plugin/value.hpp"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace davit::sdk {

// What travels with every operation, seen from the driver. Valid until the operation returns.
class Call {
public:
    explicit Call(const davit_call* call) : call_(call) {}

    bool cancelled() const { return call_->cancelled(call_) != 0; }
    // OK, or `cancelled` with "<doing>: cancelled".
    Result<void> check(std::string_view doing) const {
        if (cancelled()) return fail(Code::cancelled, doing, ": cancelled");
        return {};
    }
    int cancel_fd() const { return call_->cancel_fd; }
    std::uint64_t deadline() const { return call_->deadline; }
    void progress(const std::string& stage, std::uint64_t done, std::uint64_t total) const {
        call_->progress(call_, str(stage), done, total);
    }
    void log(int level, const std::string& line,
             std::initializer_list<davit_kv> fields = {}) const {
        call_->log(call_, level, str(line), fields.begin(), fields.size());
    }
    // Hands one record of a list to the host; sets its size.
    template <Sized Record>
    Result<void> emit(Record record) const {
        record.size = sizeof(Record);
        const davit_status status = call_->emit(call_, &record);
        if (status != DAVIT_OK)
            return fail(static_cast<Code>(status), "emit record: refused by the host");
        return {};
    }
    const davit_call* raw() const { return call_; }

private:
    const davit_call* call_;
};

// What the host lends for the instance's whole life. Copyable; thread-safe.
class Host {
public:
    explicit Host(const davit_host* host) : host_(host) {}
    template <class Table>
    const Table* get(const char* id) const {
        return static_cast<const Table*>(host_->get(host_, davit_str{id, std::strlen(id)}));
    }
    void log(int level, const std::string& line,
             std::initializer_list<davit_kv> fields = {}) const {
        host_->log(host_, level, str(line), fields.begin(), fields.size());
    }
    const davit_host* raw() const { return host_; }

private:
    const davit_host* host_;
};

namespace detail {

inline davit_status report(const davit_call* call, Code code, int os_errno,
                           const std::string& what) noexcept {
    return call->fail(call, static_cast<davit_status>(code), os_errno, str(what));
}

// Runs `work` and turns whatever it does into a status: the one place where exceptions end.
template <class Work>
davit_status guarded(const davit_call* call, Work&& work) noexcept {
    try {
        Result<void> done = work();
        if (done) return DAVIT_OK;
        return report(call, done.error().code, done.error().os_errno, done.error().what);
    } catch (const std::bad_alloc&) {
        return call->fail(call, DAVIT_INTERNAL, 0, str("allocate memory: out of memory"));
    } catch (const std::exception& unexpected) {
        return call->fail(call, DAVIT_INTERNAL, 0,
                          davit_str{unexpected.what(), std::strlen(unexpected.what())});
    } catch (...) {
        return call->fail(call, DAVIT_INTERNAL, 0, str("unknown exception"));
    }
}

// The request as this driver knows it (growth rules 1 and 2 of docs/driver-guide/abi.md).
template <Sized Request>
Result<Request> receive(const Request* request) {
    if (request == nullptr || request->size < sizeof(std::uint32_t))
        return fail(Code::invalid, "read request: it has no size");
    const auto* bytes = reinterpret_cast<const unsigned char*>(request);
    if (request->size > sizeof(Request) &&
        std::any_of(bytes + sizeof(Request), bytes + request->size,
                    [](unsigned char byte) { return byte != 0; }))
        return fail(Code::unsupported,
                    "read request: it asks for something that this driver is too old to know");
    Request known{};
    std::memcpy(&known, request, std::min<std::size_t>(request->size, sizeof(Request)));
    known.size = sizeof(Request);
    return known;
}

template <Sized Out>
Result<void> deliver(Out result, Out* out) {
    const std::uint32_t size = std::min<std::uint32_t>(out->size, sizeof(Out));
    result.size = out->size;
    std::memcpy(out, &result, size);
    return {};
}

template <Sized Out>
Result<void> expect_room(const Out* out) {
    if (out == nullptr || out->size < sizeof(std::uint32_t))
        return fail(Code::invalid, "write result: it has no size");
    return {};
}

}  // namespace detail

// The C++ object behind a davit_instance. Face is the abstract driver class of a kind.
template <class Face>
struct Instance {
    davit_instance head;  // first, so that the C pointer is the C++ pointer
    std::unique_ptr<Face> driver;

    static Face& of(davit_instance* self) { return *reinterpret_cast<Instance*>(self)->driver; }
};

template <auto Method>
struct Thunk;

template <class Face, Sized Request, Sized Out,
          Result<Out> (Face::*Method)(const Call&, const Request&)>
struct Thunk<Method> {
    static davit_status call(davit_instance* self, const davit_call* call, const Request* req,
                             Out* out) noexcept {
        return detail::guarded(call, [&]() -> Result<void> {
            const Request request = TRY(detail::receive(req));
            TRY(detail::expect_room(out));
            return detail::deliver(TRY((Instance<Face>::of(self).*Method)(Call(call), request)),
                                   out);
        });
    }
};

// For operations whose result counts on failure too (davit_registry.fetch): `out` is delivered
// either way.
template <class Face, Sized Request, Sized Out,
          Result<void> (Face::*Method)(const Call&, const Request&, Out&)>
struct Thunk<Method> {
    static davit_status call(davit_instance* self, const davit_call* call, const Request* req,
                             Out* out) noexcept {
        return detail::guarded(call, [&]() -> Result<void> {
            const Request request = TRY(detail::receive(req));
            TRY(detail::expect_room(out));
            auto result = sized<Out>();
            auto done = (Instance<Face>::of(self).*Method)(Call(call), request, result);
            TRY(detail::deliver(result, out));
            return done;
        });
    }
};

template <class Face, Sized Request, Result<void> (Face::*Method)(const Call&, const Request&)>
struct Thunk<Method> {
    static davit_status call(davit_instance* self, const davit_call* call,
                             const Request* req) noexcept {
        return detail::guarded(call, [&]() -> Result<void> {
            const Request request = TRY(detail::receive(req));
            return (Instance<Face>::of(self).*Method)(Call(call), request);
        });
    }
};

template <class Face, Result<void> (Face::*Method)(const Call&)>
struct Thunk<Method> {
    static davit_status call(davit_instance* self, const davit_call* call) noexcept {
        return detail::guarded(call,
                               [&] { return (Instance<Face>::of(self).*Method)(Call(call)); });
    }
};

// The C function of one method, for an interface table: thunk<&StorageDriver::prepare>.
template <auto Method>
inline constexpr auto thunk = &Thunk<Method>::call;

// The two calls that every instance answers, and `open`. Driver::open is
//   static Result<std::unique_ptr<Driver>> open(const Call&, const davit_open&);
// Driver::probe, if there is one, is   static Result<void> probe(const Call&, const davit_open&);
template <class Face, class Driver>
struct DriverEntry {
    static const void* get(davit_instance* self, davit_str id) {
        return Instance<Face>::of(self).get(view(id));
    }
    static void close(davit_instance* self, const davit_call* call) {
        detail::guarded(call, [&]() -> Result<void> {
            delete reinterpret_cast<Instance<Face>*>(self);
            return {};
        });
    }
    static davit_status open(const davit_call* call, const davit_open* req,
                             davit_opened* out) noexcept {
        return detail::guarded(call, [&]() -> Result<void> {
            const davit_open request = TRY(detail::receive(req));
            TRY(detail::expect_room(out));
            std::unique_ptr<Face> driver = TRY(Driver::open(Call(call), request));
            auto instance = std::make_unique<Instance<Face>>();
            instance->head = {sizeof(davit_instance), 0, &get, &close};
            instance->driver = std::move(driver);
            auto opened = sized<davit_opened>();
            opened.instance = &instance.release()->head;
            return detail::deliver(opened, out);
        });
    }
    static davit_status probe(const davit_call* call, const davit_open* req) noexcept {
        return detail::guarded(call, [&]() -> Result<void> {
            const davit_open request = TRY(detail::receive(req));
            if constexpr (requires { Driver::probe(Call(call), request); })
                return Driver::probe(Call(call), request);
            return {};
        });
    }
};

}  // namespace davit::sdk

// The whole plugin.cpp of a module with one driver. FACE: StorageDriver, NetworkDriver, … KIND and
// NAME: literals.
#define DAVIT_DRIVER(FACE, KIND, NAME, DRIVER)                                                   \
    extern "C" __attribute__((visibility("default"))) const davit_module* davit_module_v0(void); \
    extern "C" const davit_module* davit_module_v0(void) {                                       \
        using Entry = ::davit::sdk::DriverEntry<::davit::sdk::FACE, DRIVER>;                     \
        static const davit_driver driver = {sizeof(davit_driver),                                \
                                            1,                                                   \
                                            1,                                                   \
                                            0,                                                   \
                                            ::davit::sdk::str(KIND),                             \
                                            ::davit::sdk::str(NAME),                             \
                                            &Entry::open,                                        \
                                            &Entry::probe};                                      \
        static const davit_driver* const drivers[] = {&driver};                                  \
        static const davit_module module = {sizeof(davit_module),                                \
                                            DAVIT_ABI_MINOR,                                     \
                                            0,                                                   \
                                            1,                                                   \
                                            drivers,                                             \
                                            ::davit::sdk::str(DAVIT_MODULE_VERSION)};            \
        return &module;                                                                          \
    }
