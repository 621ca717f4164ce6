// SPDX-License-Identifier: Apache-2.0
// From template text to nodes. Pure.
#pragma once

#include "cli/template/node.hpp"
#include "sdk/base/result.hpp"

namespace davit::cli::templates {

// Errors: invalid, "1:7: …", naming what was expected.
Result<Nodes> parse(std::string_view text);

}  // namespace davit::cli::templates
