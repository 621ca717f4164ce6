// SPDX-License-Identifier: Apache-2.0
// Checks JSON against the part of JSON Schema (2020-12) that manifests and daemon.json need, and
// fills in defaults. Keywords: type, properties, required, additionalProperties, enum, const,
// default, minimum, maximum, minLength, maxLength, pattern, items, minItems, maxItems, and the
// silent title, description, examples, $schema, $comment. One thing differs from the standard: an
// object that does not mention additionalProperties takes no unknown members. No state,
// thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::plugin {

// Where a value breaks its schema: `path` is "instances.fast.config.size", empty for the document
// itself.
struct Violation {
    std::string path;
    std::string cause;  // "expected a string, found a number"
};

// Whether `schema` itself uses only the keywords above, rightly. Errors: invalid, naming the
// keyword.
Result<void> check_schema(const boost::json::object& schema);

// Fills in the defaults of absent members, then checks. The first violation, or nothing when all is
// well. `schema` has passed check_schema.
std::optional<Violation> apply_schema(const boost::json::object& schema,
                                      boost::json::object& value);

// The same as an error: "check config of fast: size: expected a string, found a number" for what =
// "config of fast".
Result<void> apply_schema(const boost::json::object& schema, boost::json::object& value,
                          std::string_view what);

// The candidate that `name` was probably meant to be, or empty when none is near (edit distance, a
// third of its length).
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);
// " (did you mean \"x\"?)", or nothing.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace davit::plugin
