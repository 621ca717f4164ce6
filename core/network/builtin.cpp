// SPDX-License-Identifier: Apache-2.0
#include "core/network/builtin.hpp"

#include "core/network/networks.hpp"

namespace davit::network {

const Builtin* find_builtin(std::string_view reference) {
    for (const Builtin& builtin : kBuiltins)
        if (reference == builtin.name || reference == builtin.id) return &builtin;
    return nullptr;
}

Result<void> refuse_builtin(const std::string& name, const std::string& driver) {
    if (find_builtin(name) != nullptr || name == kDefaultName || name == "default")
        return fail(Code::denied, "operation is not permitted on predefined ", name, " network");
    for (const Builtin& builtin : kBuiltins)
        if (driver == builtin.driver)
            return fail(Code::denied, "only one instance of \"", driver, "\" network is allowed");
    return {};
}

}  // namespace davit::network
