// SPDX-License-Identifier: Apache-2.0
// The ABI's plain values seen from C++, for both sides of the seam. No state, thread-safe.
#pragma once

#include "davit/base.h"

#include <string>
#include <string_view>
#include <type_traits>

namespace davit::sdk {

// A struct of the ABI that may grow: its first member is `uint32_t size`.
template <class T>
concept Sized = std::is_trivially_copyable_v<T> && requires(T t) {
    { t.size } -> std::same_as<std::uint32_t&>;
};

inline std::string_view view(davit_str text) {
    return text.data == nullptr ? std::string_view{} : std::string_view(text.data, text.length);
}
inline std::string text(davit_str value) { return std::string(view(value)); }

// Borrows. The ABI promises a NUL after the text, so only std::string and literals convert.
inline davit_str str(const std::string& value) { return {value.c_str(), value.size()}; }
template <std::size_t N>
constexpr davit_str str(const char (&literal)[N]) {
    return {literal, N - 1};
}
davit_str str(std::string&&) = delete;

// A struct with its size set and everything else zero: "not asked".
template <Sized T>
T sized() {
    T value{};
    value.size = sizeof(T);
    return value;
}

}  // namespace davit::sdk
