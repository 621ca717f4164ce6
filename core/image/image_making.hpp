// SPDX-License-Identifier: Apache-2.0
// The way of every image into the store, wherever its layers come from: the missing ones are made
// side by side, then all becomes visible at once. A failure leaves nothing behind.
#pragma once

#include "core/image/image_store.hpp"
#include "core/image/layer_pull.hpp"

namespace davit::image {

// `image` without its layers; `wanted`, lowest first. Answers whether its name led elsewhere
// before.
Result<bool> make_image(ImageStore& store, const LayerPull::Settings& settings,
                        const std::vector<LayerPull::Wanted>& wanted, NewImage image);

}  // namespace davit::image
