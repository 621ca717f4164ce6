// SPDX-License-Identifier: Apache-2.0
// The texts of --help.
#pragma once

#include "cli/command.hpp"

#include <string>
#include <string_view>

namespace davit::cli {

std::string help_of_all(const Flags& global);
std::string help_of_group(std::string_view group);
std::string help_of_command(const CommandEntry& entry, const Flags& flags);

}  // namespace davit::cli
