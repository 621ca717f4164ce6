// SPDX-License-Identifier: Apache-2.0
// -v, --mount and --tmpfs as the API takes them.
#pragma once

#include "cli/flags.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace davit::cli {

struct MountOptions {
    boost::json::object volumes;  // Config.Volumes: anonymous ones
    boost::json::array binds;     // HostConfig.Binds
    boost::json::array mounts;    // HostConfig.Mounts
    boost::json::object tmpfs;    // HostConfig.Tmpfs
};

// Relative sources are made absolute. Errors: invalid, naming the specification.
Result<MountOptions> parse_mounts(const Strings& volumes, const Strings& mounts,
                                  const Strings& tmpfs);

// "a=1,\"b=x,y\",c" → its fields; quotes keep commas. Also for --network's long form.
Result<std::vector<std::pair<std::string, std::string>>> parse_fields(std::string_view text);

}  // namespace davit::cli
