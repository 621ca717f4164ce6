// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/policy.hpp"

#include "sdk/container/seccomp.hpp"

namespace davit::native {

// Compiled outside the lock: two that ask for the same at once do the work twice, nobody waits for
// another's.
template <class Compile>
Result<std::string> PolicyCache::cached(const std::string& name, Compile compile) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = programs_.find(name); found != programs_.end()) return found->second;
    }
    std::string program = TRY(compile());
    const std::lock_guard lock(mutex_);
    if (programs_.size() >= kMost) programs_.clear();
    programs_[name] = program;
    return program;
}

Result<std::string> PolicyCache::standard(sdk::CapabilityMask bounding) {
    return cached("default " + std::to_string(bounding),
                  [&] { return sdk::compile_default_seccomp(bounding); });
}

Result<std::string> PolicyCache::custom(const std::string& json) {
    return cached(json, [&] { return sdk::compile_seccomp(json); });
}

}  // namespace davit::native
