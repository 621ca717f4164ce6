// SPDX-License-Identifier: Apache-2.0
// Pulling an image: every byte is verified as it streams by, layers are unpacked side by side, and
// nothing is visible before all of it is there. Knows nothing of jobs; several pulls may run at
// once, of the same image too.
#pragma once

#include "core/image/image_store.hpp"
#include "core/plugin/registry.hpp"

namespace davit::image {

// One line of a pull's story, in Docker's words.
struct PullProgress {
    std::string id;                        // a layer's short ID, the tag, or empty
    std::string status;                    // "Downloading", "Pull complete", …
    std::uint64_t current = 0, total = 0;  // bytes; total 0: nothing to show
};

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
