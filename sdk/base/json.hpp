// SPDX-License-Identifier: Apache-2.0
// Thin helpers around Boost.JSON: strict parsing with limits, errors with line and column, typed
// getters. Used by every room that reads JSON. No state, thread-safe. Callers include
// <boost/json.hpp> in their .cpp files; the library itself is compiled once, in json_library.cpp,
// and nothing links libboost_json.so.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::json {

struct Limits {
    std::size_t bytes = 4u << 20;  // an OCI manifest may have 4 MiB; nothing else here comes near
    std::size_t depth = 64;  // Engine API bodies nest about 10 deep; the parser's stack stays small
};

// Strict RFC 8259 JSON, UTF-8 checked, nothing after the value. `what` names the document in
// errors: "parse manifest: line 3, column 7: syntax error". Errors: invalid; a document over a
// limit is invalid too.
Result<boost::json::value> parse(std::string_view text, std::string_view what, Limits limits = {});
// The same, and the value must be an object.
Result<boost::json::object> parse_object(std::string_view text, std::string_view what,
                                         Limits limits = {});
// For files that people write: // and /* */ comments and trailing commas are allowed, and two
// members of one object with the same name are refused, since a person who wrote both meant both.
// The value must be an object.
Result<boost::json::object> parse_commented(std::string_view text, std::string_view what,
                                            Limits limits = {});

// The line, from 1, on which each member of a document begins, by its path: "a", "a.b", "a.b[0]".
// For a document that parse_commented takes; of another, as far as it can be read.
std::map<std::string, std::size_t> member_lines(std::string_view text);

// Two spaces a level, one member a line, for people. (Compact text: boost::json::serialize.)
std::string pretty(const boost::json::value& value);
// "a string", "an object", …: for messages.
std::string_view kind_name(const boost::json::value& value);

// The member, or nullptr when it is absent or null (JSON clients send null for "not given").
const boost::json::value* find(const boost::json::object& object, std::string_view key);

// Getters. An absent or null member gives nothing (the plain form), the fallback, or is an error
// (the require_ form). A member of another kind is always `invalid`: "read Tty: expected a boolean,
// found a string".
Result<std::optional<std::string>> get_string(const boost::json::object& object,
                                              std::string_view key);
Result<std::string> get_string(const boost::json::object& object, std::string_view key,
                               std::string fallback);
Result<std::string> require_string(const boost::json::object& object, std::string_view key);
// Whole numbers only: 1.0 counts as 1, 1.5 is refused.
Result<std::optional<std::int64_t>> get_int(const boost::json::object& object,
                                            std::string_view key);
Result<std::int64_t> get_int(const boost::json::object& object, std::string_view key,
                             std::int64_t fallback);
Result<std::int64_t> require_int(const boost::json::object& object, std::string_view key);
Result<std::optional<bool>> get_bool(const boost::json::object& object, std::string_view key);
Result<bool> get_bool(const boost::json::object& object, std::string_view key, bool fallback);
// Absent or null: nullptr. The pointer lives as long as `object`.
Result<const boost::json::object*> get_object(const boost::json::object& object,
                                              std::string_view key);
Result<const boost::json::array*> get_array(const boost::json::object& object,
                                            std::string_view key);
// Absent or null: empty. Every element must be a string.
Result<std::vector<std::string>> get_strings(const boost::json::object& object,
                                             std::string_view key);

}  // namespace davit::json
