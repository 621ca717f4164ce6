// SPDX-License-Identifier: Apache-2.0
// Pushing an image: what the registry has is not sent, what another repository of it has is
// mounted, the rest is made again from the layers' files and sent side by side. The manifest comes
// last, so nothing is visible before all of it is there. Knows nothing of jobs.
#pragma once

#include "core/image/image_store.hpp"
#include "core/image/pull.hpp"
#include "core/plugin/registry.hpp"

namespace davit::image {

struct PushRequest {
    Reference reference;  // with a tag
    std::optional<Platform> platform;
    std::string auth;  // JSON of X-Registry-Auth; may be empty
    plugin::Registry registry;
    std::shared_ptr<Cancel> cancel;
    std::function<void(const PullProgress&)> progress;  // from several threads, never two at a time
};

struct PushResult {
    std::string id;  // of the image
    Digest digest;   // of the manifest
    std::uint64_t bytes;
};

// Errors: not_found in Docker's words; denied, unavailable, no_space from the registry; cancelled.
Result<PushResult> push(ImageStore& store, const PushRequest& request);

}  // namespace davit::image
