// SPDX-License-Identifier: Apache-2.0
// Compiled seccomp filters, each compiled once: compiling takes milliseconds, a container's start
// should not. Thread-safe.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/container/capabilities.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace davit::native {

class PolicyCache {
public:
    // Davit's default policy for a bounding set.
    Result<std::string> standard(sdk::CapabilityMask bounding);
    // A policy given as linux.seccomp.
    Result<std::string> custom(const std::string& json);

private:
    // Policies of one engine are few; past this the cache starts anew rather than grow with every
    // odd profile.
    static constexpr std::size_t kMost = 64;
    template <class Compile>
    Result<std::string> cached(const std::string& name, Compile compile);

    std::mutex mutex_;
    std::map<std::string, std::string> programs_;  // by bounding set or by the policy's text
};

}  // namespace davit::native
