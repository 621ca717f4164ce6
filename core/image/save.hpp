// SPDX-License-Identifier: Apache-2.0
// Images as one archive, in the form of `docker save` since version 25: an OCI image layout that
// Docker's older manifest.json and repositories lie in as well, so that every engine reads it.
// Layers are made again from their files, uncompressed; nothing is fetched.
#pragma once

#include "core/image/image_store.hpp"

#include <functional>
#include <string_view>

namespace davit::image {

struct SaveRequest {
    std::vector<std::string> names;  // references: with tags of that name; IDs: without
    std::optional<Platform> platform;
    std::shared_ptr<Cancel> cancel;
    std::function<Result<void>(std::string_view bytes)> sink;
};

// The IDs of what was saved. Errors: not_found; those of LayerArchive and of the sink.
Result<std::vector<std::string>> save(ImageStore& store, const SaveRequest& request);

}  // namespace davit::image
