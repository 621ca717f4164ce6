// SPDX-License-Identifier: Apache-2.0
// What a registry has under a name, without fetching it: GET /distribution/{name}/json.
#pragma once

#include "core/image/reference.hpp"
#include "core/plugin/registry.hpp"
#include "sdk/base/cancel.hpp"

#include <boost/json/fwd.hpp>

namespace davit::image {

// A DistributionInspect. Errors: not_found, denied, unavailable.
Result<boost::json::object> inspect_remote(const plugin::Registry& registry,
                                           const Reference& reference, const std::string& auth,
                                           const std::shared_ptr<Cancel>& cancel);

}  // namespace davit::image
