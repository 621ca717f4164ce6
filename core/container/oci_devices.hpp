// SPDX-License-Identifier: Apache-2.0
// Device nodes of a container and its rules for using devices, as an OCI specification has them.
#pragma once

#include "core/container/config.hpp"

#include <boost/json/fwd.hpp>
#include <string>

namespace davit::container {

// Fills in the specification's `linux.devices` and `linux.resources.devices`.
// Errors: not_found; invalid for a path that is neither a device nor a directory with some.
Result<void> add_devices(const Config& config, boost::json::array& nodes,
                         boost::json::array& rules);

// "c 10:200 rwm", "b *:* r": whether --device-cgroup-rule may say so. Errors: invalid, in docker's
// words.
Result<void> check_device_rule(const std::string& rule);

}  // namespace davit::container
