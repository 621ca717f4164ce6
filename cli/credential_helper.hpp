// SPDX-License-Identifier: Apache-2.0
// The programs docker-credential-<name>, which keep credentials elsewhere: get, store and erase
// over stdin and stdout. Protocol: github.com/docker/docker-credential-helpers. Used by
// credentials.cpp.
#pragma once

#include "cli/credentials.hpp"

namespace davit::cli {

// All of them: not_found when there is no such program, internal with its own words when it fails.
Result<std::optional<Credential>> ask_helper(const std::string& name, const std::string& registry);
Result<void> tell_helper(const std::string& name, const std::string& registry,
                         const Credential& credential);
Result<bool> erase_in_helper(const std::string& name, const std::string& registry);

}  // namespace davit::cli
