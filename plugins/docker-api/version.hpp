// SPDX-License-Identifier: Apache-2.0
// API versions: which ones are spoken, and how bodies and answers of older ones differ from the
// current one. The engine knows the current version only. No state, thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace davit::docker_api {

struct Version {
    unsigned major = 0;
    unsigned minor = 0;
    auto operator<=>(const Version&) const = default;

    std::string text() const;
    // "1.41". Errors: INVALID.
    static Result<Version> parse(std::string_view text);
};

inline constexpr Version kOldestVersion{1, 24};
inline constexpr Version kCurrentVersion{1, 51};

// Whether `version` is spoken here. Errors: INVALID, in the words that docker's clients know.
Result<void> check(Version version);

// What the engine is asked, in the current version's form. Text that no edit knows stays byte by
// byte; a body that is no JSON too, for the engine to say so.
struct EngineRequest {
    std::string args;
    std::string body;
};
// Errors: INVALID, for what the client's version refused in docker's words.
Result<void> to_current(Version version, std::string_view operation, EngineRequest& request);
// An answer's JSON as a client of `version` knows it.
Result<void> from_current(Version version, std::string_view operation, std::string& answer);

}  // namespace davit::docker_api
