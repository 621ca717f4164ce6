// SPDX-License-Identifier: Apache-2.0
// One layer of which nothing is known before its archive has been read: what `import` and `commit`
// put on top. One use.
#pragma once

#include "core/image/image_store.hpp"
#include "core/image/layer_source.hpp"

#include <functional>
#include <memory>

namespace davit::image {

struct LayerWork {
    plugin::Storage storage;
    std::string unpacker;  // path of davit-unpack
    std::shared_ptr<Cancel> cancel;
    std::function<void(std::uint64_t bytes)> progress;  // read so far; may be empty
};

// `base`: the diff IDs below, which lie in this storage; it is counted on until the image is added.
// `describe` makes the image, without layers, once the new layer's diff ID is known; without a
// `source` there is no new layer. Answers the image's ID. A failure leaves nothing behind.
using Describe = std::function<Result<NewImage>(const std::optional<Digest>& diff_id)>;
Result<std::string> add_on_top(ImageStore& store, const LayerWork& work,
                               const std::vector<Digest>& base, std::unique_ptr<LayerSource> source,
                               const Describe& describe);

}  // namespace davit::image
