// SPDX-License-Identifier: Apache-2.0
// Image references as users write them, read only as far as a client must: which registry's
// credentials, which tag. Pure.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::cli {

struct ImageReference {
    std::string domain;  // "docker.io", "localhost:5000"
    std::string path;    // "library/nginx"
    std::string tag;     // empty: none given
    std::string digest;  // "sha256:…", or empty

    // The key under which docker keeps the registry's credentials: docker.io's is
    // https://index.docker.io/v1/.
    std::string credential_key() const;
    // As short as it is understood: "nginx", "alice/app", "localhost:5000/app".
    std::string familiar_name() const;
};

// Errors: invalid ("invalid reference format: …").
Result<ImageReference> parse_reference(std::string_view text);

}  // namespace davit::cli
