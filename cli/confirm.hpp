// SPDX-License-Identifier: Apache-2.0
// Asking before something is removed for good. Used by the prune commands.
#pragma once

#include <string_view>

namespace davit::cli {

// Shows `warning` and "Are you sure you want to continue? [y/N]" and reads a line of stdin. True
// for "y" only, as docker has it.
bool confirm(std::string_view warning);

}  // namespace davit::cli
