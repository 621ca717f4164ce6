// SPDX-License-Identifier: Apache-2.0
// What a mistyped word probably meant. Pure.
#pragma once

#include <string_view>
#include <vector>

namespace davit::cli {

// The candidate at the smallest edit distance (a swap of neighbours counts one), or empty when none
// is near enough to be worth saying: at most a third of the word is wrong, or the word is the
// beginning of one candidate.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace davit::cli
