// SPDX-License-Identifier: Apache-2.0
// Pulling an image: every byte is verified as it streams by, layers are unpacked side by side, and
// nothing is visible before all of it is there. Knows nothing of jobs; several pulls may run at
// once, of the same image too.
#pragma once

#include "core/image/image_store.hpp"
#include "core/image/progress_lines.hpp"
#include "core/plugin/registry.hpp"

namespace davit::image {

struct PullRequest {
    Reference reference;
    std::optional<Platform> platform;  // none: the host's
    std::string auth;                  // JSON of X-Registry-Auth; may be empty
    plugin::Registry registry;
    plugin::Storage storage;
    std::string unpacker;  // path of davit-unpack
    std::shared_ptr<Cancel> cancel;
    std::function<void(const PullProgress&)> progress;  // from several threads, never two at a time
};

struct PullResult {
    std::string id;  // of the image
    Digest digest;   // what the reference led to
    bool changed;    // false: the name led here already
};

// Errors: not_found, denied, unavailable from the registry; corrupt when it sent something else
// than it named; unsupported; cancelled. A failed pull leaves nothing behind.
Result<PullResult> pull(ImageStore& store, const PullRequest& request);

}  // namespace davit::image
