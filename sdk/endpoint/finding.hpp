// SPDX-License-Identifier: Apache-2.0
// What `check` and `retain` of a network driver found. Thread-safe: no state.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/plugin/entry.hpp"

#include <string>

namespace davit::sdk {

// `object`: a network's or endpoint's key, or the name of a link or rule. `text` carries the line
// that mends it where the operator must.
Result<void> emit_network_finding(const Call& call, const std::string& object,
                                  const std::string& text, bool repaired);

}  // namespace davit::sdk
