// SPDX-License-Identifier: Apache-2.0
// What several commands do with their operands and filters.
#pragma once

#include "cli/flags.hpp"

#include <functional>

namespace davit::cli {

// Does `each` for every operand; those that fail are reported as they do ("davit: stop web: …") and
// the others go on. Returns the exit status: 0, or 1 when one failed.
int for_each_operand(std::string_view command, const Strings& operands,
                     const std::function<Result<void>(const std::string&)>& each);

// {"label=a", "status=running"} → {"label":["a"],"status":["running"]}; empty for none. Errors:
// invalid (no '=').
Result<std::string> filters_json(const Strings& filters);

// "abc…", at most `most` characters with the ellipsis.
std::string ellipsis(std::string_view text, std::size_t most);
// The first twelve digits of an id, without its "sha256:".
std::string short_id(std::string_view id);

}  // namespace davit::cli
