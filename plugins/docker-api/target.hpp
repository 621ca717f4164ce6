// SPDX-License-Identifier: Apache-2.0
// A request's target taken apart: path and query, decoded. No state, thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::docker_api {

struct Target {
    std::string path;     // decoded, without a version: "/containers/json"
    std::string version;  // "1.41"; empty: the path has none
    std::vector<std::pair<std::string, std::string>> query;  // decoded, in the client's order

    // The first value of a query parameter, or nullptr.
    const std::string* find(std::string_view name) const;
};

// "/v1.41/images/a%2Fb/json?x=1" or an absolute URL. Errors: INVALID encoding.
Result<Target> parse_target(std::string_view target);

// The value of {parameter} when `path` has the form of `pattern`; empty for a pattern without one.
// {name} may hold slashes, as image names do.
struct Match {
    bool matched = false;
    std::string_view parameter;  // "id"; part of the pattern
    std::string_view value;      // part of the path
};
Match match(std::string_view pattern, std::string_view path);

}  // namespace davit::docker_api
