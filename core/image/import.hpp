// SPDX-License-Identifier: Apache-2.0
// New images of one layer: a whole tree of files as an archive (`import`), or what a container has
// changed (`commit`).
#pragma once

#include "core/image/layer_making.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::image {

struct ImportRequest {
    int source = -1;  // borrowed; a tar archive, plain, gzip or zstd
    std::optional<Reference> name;
    std::string message;
    std::vector<std::string> changes;
    Platform platform;
};
// The image's ID. Errors: invalid changes; those of unpacking.
Result<std::string> import(ImageStore& store, const LayerWork& work, const ImportRequest& request);

struct CommitRequest {
    std::string base;  // image ID that the container was made from; may be gone or without layers
    std::vector<Digest> base_diff_ids;
    std::string base_config;  // its configuration
    std::string config;       // the "config" object of the new one, JSON
    std::optional<Reference> name;
    std::string author, comment;
};
// `source`: the changes as a layer's archive; null when there are none.
Result<std::string> commit(ImageStore& store, const LayerWork& work, const CommitRequest& request,
                           std::unique_ptr<LayerSource> source);

}  // namespace davit::image
