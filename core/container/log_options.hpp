// SPDX-License-Identifier: Apache-2.0
// LogConfig: which log a container has, and what its lines carry besides their text.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace davit::container {

struct LogOptions {
    bool keep = true;  // "json-file"; "none" keeps nothing
    std::int64_t max_bytes = 0;
    std::uint32_t max_files = 0;
    // What `logs --details` shows: labels and variables by name or by expression, and a tag.
    std::vector<std::string> labels, environment;
    std::string labels_regex, environment_regex, tag;
};

// Reads HostConfig.LogConfig. Errors: invalid; unsupported for a driver or option not built.
Result<LogOptions> read_log_options(const boost::json::object& host);

// The chosen labels, variables and tag as docker writes them: "key=value,…", escaped for a URL.
// `tag` may hold {{.ID}}, {{.FullID}} and {{.Name}}.
struct LogSubject {
    std::string id, name;
    const std::map<std::string, std::string>& labels;
    const std::vector<std::string>& environment;
};
std::string log_details(const LogOptions& options, const LogSubject& subject);

}  // namespace davit::container
