// SPDX-License-Identifier: Apache-2.0
// The functions of templates: Go's own and the ones docker adds. Pure.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/value.hpp>
#include <span>
#include <string_view>

namespace davit::cli::templates {

using Value = boost::json::value;

bool is_function(std::string_view name);
// Calls any function but `and` and `or`, which need their arguments unevaluated. Errors: invalid,
// "index: …".
Result<Value> call_function(std::string_view name, std::span<const Value> arguments);

}  // namespace davit::cli::templates
