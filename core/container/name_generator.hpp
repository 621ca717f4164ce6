// SPDX-License-Identifier: Apache-2.0
// Names for containers that got none: "brisk_dinghy". Thread-safe.
#pragma once

#include <string>

namespace davit::container {

std::string generate_name();

}  // namespace davit::container
