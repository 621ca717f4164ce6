// SPDX-License-Identifier: Apache-2.0
// Reads HostConfig: ports, limits and the other things that concern the host. Used by
// config.cpp only.
#pragma once

#include "core/container/config.hpp"

#include <boost/json/fwd.hpp>

namespace davit::container {

// Brings what has several spellings to one ("default" network, empty log driver, capability names),
// in place.
Result<void> normalise_host_fields(boost::json::object& host);
Result<void> read_host_fields(const boost::json::object& host, Config& config);
// A member that maps strings to strings; absent or null: empty.
// LogConfig as Docker completes it: the daemon's driver, and its options where that driver is used.
Result<void> fill_log(boost::json::object& host, const CreateDefaults& defaults);
Result<std::map<std::string, std::string>> string_map(const boost::json::object& object,
                                                      std::string_view key);

}  // namespace davit::container
