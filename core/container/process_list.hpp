// SPDX-License-Identifier: Apache-2.0
// What `top` shows: the host's ps(1), cut down to the processes of one container, since its columns
// are what people ask for by name. No state; thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::container {

struct ProcessList {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> rows;
};

// Runs ps with `options` ("-ef", "-o pid,comm"; empty: "-ef") and keeps the rows of `pids`. Errors:
// invalid for options that ps refuses or that show no PID; unavailable where the host has no ps.
Result<ProcessList> list_processes(const std::vector<int>& pids, const std::string& options);

// Reads ps's table. The last column takes the rest of its line.
Result<ProcessList> parse_process_list(std::string_view output, const std::vector<int>& pids);

}  // namespace davit::container
