// SPDX-License-Identifier: Apache-2.0
// What subscribers hear of images, with the actors and attributes that Docker gives.
#pragma once

#include "core/engine/engine.hpp"

namespace davit::engine {

// `id` is the actor: the image's ID, or for pull and push the name; `name` goes into the
// attributes beside the labels of `image` (empty: none).
void publish_image(Engine& engine, const std::string& action, const std::string& id,
                   const std::string& name, const std::string& image = {});
// "untag" for every name, "delete" for every image.
void publish_removed(Engine& engine, const image::Removed& removed);

}  // namespace davit::engine
