// SPDX-License-Identifier: Apache-2.0
// The one way a function fails: Result<T> is a T or an Error. Used by every room.
// Reads like std::expected (C++23); returning an Error directly is the only convenience on top.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace davit {

// The closed list of failure classes. The numbers are those of davit_status in
// plugin-api/include/davit/base.h.
enum class Code : std::int32_t {
    ok = 0,
    invalid = 1,
    not_found = 2,
    exists = 3,
    busy = 4,
    conflict = 5,
    denied = 6,
    no_space = 7,
    unsupported = 8,
    unavailable = 9,
    cancelled = 10,
    deadline = 11,
    corrupt = 12,
    internal = 13,
};

// The name of a code as users and logs see it: "not found". Never fails; unknown numbers read
// "internal".
std::string_view code_name(Code code);

struct [[nodiscard]] Error {
    Code code = Code::internal;
    int os_errno = 0;  // 0 when no system call is the cause
    std::string what;  // "verb object: cause", lower case, no full stop

    // Puts what was being done in front: "start web" + "mount overlay: …".
    template <class... Parts>
    Error context(const Parts&... parts) && {
        std::string text;
        (text.append(parts), ...);
        text += ": ";
        what.insert(0, text);
        return std::move(*this);
    }
};

template <class T>
class [[nodiscard]] Result {
    static_assert(!std::is_reference_v<T> && !std::is_same_v<T, Error>);

public:
    using Value = T;
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
    template <class U>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    explicit operator bool() const { return state_.index() == 0; }
    bool has_value() const { return state_.index() == 0; }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(value()); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T& value() {
        assert(has_value());
        return *std::get_if<0>(&state_);
    }
    const T& value() const {
        assert(has_value());
        return *std::get_if<0>(&state_);
    }
    T value_or(T other) && { return has_value() ? std::move(value()) : std::move(other); }
    Error& error() & {
        assert(!has_value());
        return *std::get_if<1>(&state_);
    }
    const Error& error() const& {
        assert(!has_value());
        return *std::get_if<1>(&state_);
    }
    Error&& error() && {
        assert(!has_value());
        return std::move(*std::get_if<1>(&state_));
    }
    T take() && { return std::move(value()); }

    // Adds what was being done to a failure; costs nothing on success.
    template <class... Parts>
    Result context(const Parts&... parts) && {
        if (has_value()) return std::move(*this);
        return std::move(error()).context(parts...);
    }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    using Value = void;
    Result() = default;
    Result(Error error) : error_(std::move(error)), failed_(true) {}

    explicit operator bool() const { return !failed_; }
    bool has_value() const { return !failed_; }
    void operator*() const { assert(!failed_); }
    Error& error() & {
        assert(failed_);
        return error_;
    }
    const Error& error() const& {
        assert(failed_);
        return error_;
    }
    Error&& error() && {
        assert(failed_);
        return std::move(error_);
    }
    void take() && { assert(!failed_); }

    template <class... Parts>
    Result context(const Parts&... parts) && {
        if (!failed_) return {};
        return std::move(error_).context(parts...);
    }

private:
    Error error_;
    bool failed_ = false;
};

// An error of our own making: fail(Code::not_found, "find image ", name, ": no such image").
template <class... Parts>
Error fail(Code code, const Parts&... parts) {
    Error error{code, 0, {}};
    (error.what.append(parts), ...);
    return error;
}

// The failure class that an errno stands for (ENOENT: not_found, ENOSPC and EDQUOT: no_space, …).
Code code_of_errno(int number);
// "no such file or directory": strerror's text in lower case, as seams rule 15 asks.
std::string errno_text(int number);
// An error from errno as it stands now, or from `number`: os_error("open /x") → "open /x:
// permission denied".
Error os_error(std::string_view doing);
Error os_error(int number, std::string_view doing);

}  // namespace davit

// The value, or return the error to our caller. Always the whole right-hand side or a whole
// statement, or an argument; never in a coroutine. (A TRY inside a TRY shadows its name on
// purpose.)
#define TRY(expression)                                  \
    __extension__({                                      \
        _Pragma("GCC diagnostic push");                  \
        _Pragma("GCC diagnostic ignored \"-Wshadow\"");  \
        auto&& davit_try_result_ = (expression);         \
        _Pragma("GCC diagnostic pop");                   \
        if (!davit_try_result_) [[unlikely]]             \
            return std::move(davit_try_result_).error(); \
        std::move(davit_try_result_).take();             \
    })
