// SPDX-License-Identifier: Apache-2.0
// The graph's schema, as an ordered list of steps that is only ever appended to.
#pragma once

#include "core/store/database.hpp"

#include <span>

namespace davit::store {

struct Migration {
    int version;       // 1, 2, 3, …
    const char* name;  // for error texts
    const char* sql;
};

// Every step of this build, oldest first.
std::span<const Migration> migrations();

// Brings the database to the last step, each step in a transaction of its own. `unsupported` when a
// newer build wrote it: an older one would not understand what it finds.
Result<void> migrate(Database& database, std::span<const Migration> steps = migrations());

}  // namespace davit::store
