// SPDX-License-Identifier: Apache-2.0
// Volumes as the Engine API shows and filters them. No state.
#pragma once

#include "core/volume/volumes.hpp"

#include <boost/json/fwd.hpp>
#include <string_view>

namespace davit::volume {

boost::json::object volume_json(const Volumes& volumes, const Volume& volume);
// With UsageData, for system df.
Result<boost::json::object> volume_json_with_usage(const Volumes& volumes, const Volume& volume);

// The body of POST /volumes/create.
Result<Wanted> parse_wanted(std::string_view body);

// Those that `filters` (name, label, driver, dangling) lets through. Errors: invalid.
Result<std::vector<Volume>> filtered(const Volumes& volumes, const std::string& filters);

struct Pruned {
    std::vector<std::string> names;
    std::uint64_t bytes = 0;
};
// Removes what nobody uses: anonymous ones, with the filter all=1 named ones too.
Result<Pruned> prune(Volumes& volumes, const std::string& filters);

}  // namespace davit::volume
