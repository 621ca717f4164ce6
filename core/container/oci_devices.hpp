// SPDX-License-Identifier: Apache-2.0
// Device nodes of a container and its rules for using devices, as an OCI specification has them.
#pragma once

#include "core/container/config.hpp"

#include <boost/json.hpp>
#include <string>

namespace davit::container {

struct Devices {
    boost::json::array nodes, rules;
};

// Errors: not_found; invalid for a path that is neither a device nor a directory with some.
Result<Devices> devices_of(const Config& config);

// "c 10:200 rwm", "b *:* r": whether --device-cgroup-rule may say so. Errors: invalid, in docker's
// words.
Result<void> check_device_rule(const std::string& rule);

}  // namespace davit::container
