// SPDX-License-Identifier: Apache-2.0
// What limits mean in the files of control groups version 2. Internal to sdk/container. No state.
#pragma once

#include "sdk/container/cgroup.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::sdk::cgroup {

struct Setting {
    std::string file;  // "memory.max"
    std::string value;
};

// The present text of a file of the group: version 2 wants some limits together that may come one
// at a time.
using ReadSetting = std::function<Result<std::string>(const std::string& file)>;

// In the order in which they have to be written. Block weights are not among them: which file they
// go to depends on the host. Errors: invalid; unsupported for what version 2 does not have.
Result<std::vector<Setting>> settings_of(const Resources& limits, const ReadSetting& now);

// 2 … 262144 with 1024 as the middle, to 1 … 10000 with 100: the conversion that runc made common.
std::uint64_t cpu_weight(std::uint64_t shares);
// 10 … 1000 to 1 … 10000.
std::uint64_t io_weight(std::uint64_t block_weight);

}  // namespace davit::sdk::cgroup
