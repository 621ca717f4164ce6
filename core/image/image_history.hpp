// SPDX-License-Identifier: Apache-2.0
// How an image came about, as `docker history` shows it. No state.
#pragma once

#include "core/image/image_store.hpp"

#include <boost/json/fwd.hpp>

namespace davit::image {

// The body of GET /images/{name}/history, newest step first. `id` as `resolve` gives it.
Result<boost::json::array> history(ImageStore& store, const std::string& id);

}  // namespace davit::image
