// SPDX-License-Identifier: Apache-2.0
// User namespaces as descriptors, for idmapped mounts (mount_setattr(2)): nobody ever runs in them.
// Thread-safe.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <vector>

namespace davit {

// `count` ids from `inside` on are the host's ids from `outside` on.
struct IdRange {
    std::uint32_t inside, outside, count;
};

// Errors: invalid for ranges that the kernel refuses, none at all among them; denied.
Result<Fd> make_user_namespace(const std::vector<IdRange>& users,
                               const std::vector<IdRange>& groups);

}  // namespace davit
