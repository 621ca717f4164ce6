// SPDX-License-Identifier: Apache-2.0
// Fetching an image, with its progress shown. Used by pull, run and create.
#pragma once

#include "cli/reference.hpp"
#include "cli/session.hpp"

namespace davit::cli {

struct Pull {
    ImageReference reference;  // without tag and digest: all tags
    std::string platform;
    bool quiet = false;
    int out = 1;               // where progress is shown
    std::string storage = {};  // instance to keep it in; empty: the default
};

// Errors: the daemon's, and those of reading credentials.
Result<void> pull_image(Session& session, sdk::Client& client, const Pull& what);

}  // namespace davit::cli
