// SPDX-License-Identifier: Apache-2.0
// The table of all commands. A new one is a file with a make_… function and a line in commands.cpp.
#pragma once

#include "cli/command.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

std::span<const CommandEntry> all_commands();
// The entry that the first one or two words name, and how many of them; nullptr when there is none.
const CommandEntry* find_command(const Strings& words, std::size_t& used);
// "ps, container ls" → its parts.
std::vector<std::string_view> names_of(const CommandEntry& entry);
// Whether `word` opens a group: "container", "image".
bool is_group(std::string_view word);

}  // namespace davit::cli
