// SPDX-License-Identifier: Apache-2.0
// The `mounts` of config.json and the descriptors beside it. Used by oci_spec.cpp only.
#pragma once

#include "core/container/oci_spec.hpp"

#include <boost/json/fwd.hpp>

namespace davit::container {

struct MountPlan {
    boost::json::array& entries;
    std::vector<Fd>& fds;
};

// In the order in which they are attached: the system's own, the generated files, then the user's,
// parents first.
Result<void> plan_mounts(const SpecInput& input, MountPlan plan);

}  // namespace davit::container
