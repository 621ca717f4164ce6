// SPDX-License-Identifier: Apache-2.0
// Reads what control groups tell of their use. Internal to sdk/container. No state. What a kernel
// does not offer is left out.
#pragma once

#include "sdk/container/cgroup.hpp"

#include <string>
#include <vector>

namespace davit::sdk::cgroup {

// `directory`: a hierarchy's root; `group`: the path below it.
void add_cpu_v1(int directory, const std::string& group, std::vector<Figure>& figures);
void add_throttling_v1(int directory, const std::string& group, std::vector<Figure>& figures);
void add_memory_v1(int directory, const std::string& group, std::vector<Figure>& figures);
void add_block_v1(int directory, const std::string& group, std::vector<Figure>& figures);
void add_pids(int directory, const std::string& group, std::vector<Figure>& figures);

// All of a version 2 group.
void add_all_v2(int directory, const std::string& group, std::vector<Figure>& figures);

}  // namespace davit::sdk::cgroup
