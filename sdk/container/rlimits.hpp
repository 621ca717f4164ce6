// SPDX-License-Identifier: Apache-2.0
// Resource limits by their OCI names. Used by the exec driver, its launcher and the unpacker. No
// state.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace davit::sdk {

struct Rlimit {
    std::int32_t resource = 0;  // RLIMIT_…
    std::uint64_t soft = 0;     // UINT64_MAX: unlimited
    std::uint64_t hard = 0;
};

// "RLIMIT_NOFILE" → RLIMIT_NOFILE.
std::optional<std::int32_t> rlimit_number(std::string_view name);

// Sets a limit of the calling process. Raising a hard limit needs CAP_SYS_RESOURCE.
Result<void> set_rlimit(const Rlimit& limit);

}  // namespace davit::sdk
