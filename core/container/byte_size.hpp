// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace davit::container {

// "10m", "1g", "512": bytes, as options of logs and of storage are written. Errors: invalid.
Result<std::int64_t> read_bytes(std::string_view text);

}  // namespace davit::container
