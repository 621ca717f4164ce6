// SPDX-License-Identifier: Apache-2.0
// What an image is built for, as image indexes name it (OCI image index, "platform"). Values;
// thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::image {

struct Platform {
    std::string os, architecture, variant;

    // "linux/arm64", "linux/arm/v7", "amd64"; what is left out is the host's. Errors: invalid.
    static Result<Platform> parse(std::string_view text);
    static Platform of_host();
    // In the usual words: x86_64 is amd64, arm64/v8 is arm64, arm is arm/v7.
    Platform normal() const;
    std::string text() const;  // "linux/arm64"
    bool operator==(const Platform&) const = default;
};

// Whether an image for `offered` runs on `wanted`; 0: no, higher is better (arm/v7 runs v6 as
// well).
int match(const Platform& wanted, const Platform& offered);

}  // namespace davit::image
