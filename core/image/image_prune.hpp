// SPDX-License-Identifier: Apache-2.0
// Removing the images that nobody uses: `docker image prune`. No state.
#pragma once

#include "core/image/image_filters.hpp"

#include <functional>

namespace davit::image {

// Removes images without a tag, or with dangling=false every image that no container uses; as far
// as "label", "label!" and "until" keep them in the choice. What turns out to be in use stays.
// `each` hears of every removal. Errors: invalid filter.
Result<void> prune(ImageStore& store, Filters filters,
                   const std::function<void(const Removed&)>& each);

}  // namespace davit::image
