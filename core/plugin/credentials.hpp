// SPDX-License-Identifier: Apache-2.0
// Registry credentials that the operator gave the engine: a file as `docker login` writes it. Lent
// to registry drivers by the host table; usually a client sends its own with the request instead.
// No state, thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <string>

namespace davit::plugin {

struct Credentials {
    std::string username, password, identity_token, registry_token;
};

// The entry of `registry` ("localhost:5000", "https://index.docker.io/v1/") in the "auths" of the
// file at `path`, which is read anew each time. Errors: not_found without the file or the entry;
// invalid; denied when others can read it.
Result<Credentials> find_credentials(const std::string& path, const std::string& registry);

}  // namespace davit::plugin
