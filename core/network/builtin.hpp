// SPDX-License-Identifier: Apache-2.0
// The networks host and none: no records, they are what their names say on every host.
#pragma once

#include "sdk/base/result.hpp"

#include <array>
#include <string>
#include <string_view>

namespace davit::network {

struct Builtin {
    const char *name, *id, *driver;
};
inline constexpr std::array<Builtin, 2> kBuiltins = {{
    {"host", "0000000000000000000000000000000000000000000000000000000000000001", "host"},
    {"none", "0000000000000000000000000000000000000000000000000000000000000002", "null"},
}};

// By name, id or beginning of an id that has more than zeros; null: none of them.
const Builtin* find_builtin(std::string_view reference);
// Errors: denied when a new network takes the name or the driver of one that is always there.
Result<void> refuse_builtin(const std::string& name, const std::string& driver);

}  // namespace davit::network
