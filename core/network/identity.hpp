// SPDX-License-Identifier: Apache-2.0
// Ids and times of new records. No state.
#pragma once

#include <cstdint>
#include <string>

namespace davit::network {

std::string random_id();  // 64 hex digits
std::int64_t now_ns();    // since 1970

}  // namespace davit::network
