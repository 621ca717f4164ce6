// SPDX-License-Identifier: Apache-2.0
// The HostConfig that run's options make. Used by container_options.cpp.
#pragma once

#include "cli/container_options.hpp"

namespace davit::cli {

// What `update` sends: the limits and the restart policy that were given. Errors: invalid.
Result<boost::json::object> limits_update(const ContainerOptions& options);
// All of HostConfig but ports, mounts and networks. Errors: invalid.
Result<boost::json::object> host_config(const ContainerOptions& options);

}  // namespace davit::cli
