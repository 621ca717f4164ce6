// SPDX-License-Identifier: Apache-2.0
// The `filters` argument of the Engine API's lists: which values each name may have. Pure function.
#pragma once

#include "sdk/base/result.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit::job {

using FilterValues = std::map<std::string, std::vector<std::string>>;

// Reads {"name":["web"]} and the older {"name":{"web":true}}; empty text: no filters.
// Errors: invalid for anything else, in docker's words.
Result<FilterValues> parse_filters(const std::string& text);

}  // namespace davit::job
