// SPDX-License-Identifier: Apache-2.0
// Images as the Engine API shows them (version 1.51): `docker images` and `docker image inspect`.
// No state.
#pragma once

#include "core/image/image_filters.hpp"

#include <boost/json/fwd.hpp>
#include <string>
#include <vector>

namespace davit::image {

// The body of GET /images/{name}/json. `id` as `resolve` gives it.
Result<boost::json::object> inspect(ImageStore& store, const std::string& id);

struct ListOptions {
    bool all = false;  // with the intermediate images of builds
    bool shared_sizes = false;
    Filters filters;
};
// The body of GET /images/json, newest first. Errors: invalid filter; not_found image of before and
// since.
Result<boost::json::array> list(ImageStore& store, const ListOptions& options);

// The body of DELETE /images/{name}.
boost::json::array removed(const Removed& removed);

}  // namespace davit::image
