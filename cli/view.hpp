// SPDX-License-Identifier: Apache-2.0
// Reading the daemon's answers in order to show them: what is absent or of another kind reads as
// empty. (What a command acts on is read strictly, by sdk/base/json.hpp.)
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace davit::cli::view {

namespace bj = boost::json;

inline std::string_view of(const bj::string& text) { return {text.data(), text.size()}; }
inline std::string_view of(bj::string_view text) { return {text.data(), text.size()}; }
inline bj::string text(std::string_view value) { return bj::string(value.data(), value.size()); }

inline const bj::value& get(const bj::object& object, std::string_view key) {
    static const bj::value kNull;
    const auto* value = object.if_contains(bj::string_view(key.data(), key.size()));
    return value != nullptr ? *value : kNull;
}

inline std::string_view string(const bj::object& object, std::string_view key) {
    const auto* value = get(object, key).if_string();
    return value != nullptr ? of(*value) : std::string_view();
}

inline std::int64_t number(const bj::object& object, std::string_view key) {
    const auto& value = get(object, key);
    if (const auto* whole = value.if_int64()) return *whole;
    if (const auto* real = value.if_double()) return static_cast<std::int64_t>(*real);
    return 0;
}

inline bool boolean(const bj::object& object, std::string_view key) {
    const auto* value = get(object, key).if_bool();
    return value != nullptr && *value;
}

inline const bj::object& object(const bj::object& parent, std::string_view key) {
    static const bj::object kEmpty;
    const auto* value = get(parent, key).if_object();
    return value != nullptr ? *value : kEmpty;
}

inline const bj::array& array(const bj::object& parent, std::string_view key) {
    static const bj::array kEmpty;
    const auto* value = get(parent, key).if_array();
    return value != nullptr ? *value : kEmpty;
}

inline const bj::object& as_object(const bj::value& value) {
    static const bj::object kEmpty;
    return value.is_object() ? value.get_object() : kEmpty;
}

inline std::string_view as_string(const bj::value& value) {
    return value.is_string() ? of(value.get_string()) : std::string_view();
}

}  // namespace davit::cli::view
