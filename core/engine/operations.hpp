// SPDX-License-Identifier: Apache-2.0
// Every operation of the engine by name, for davit.engine/1 (docs/architecture.md, "Jobs"). An
// operation reads its arguments, calls one noun's verb and writes the answer; it holds no state of
// its own.
#pragma once

#include "core/container/containers.hpp"
#include "core/job/job.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace davit::engine {

class Engine;

using Operation = std::function<Result<void>(Engine&, job::Job&)>;
using Operations = std::map<std::string_view, Operation>;

// Each noun adds its own.
void add_commit_operations(Operations& jobs, Operations& queries);
void add_container_operations(Operations& jobs, Operations& queries);
void add_disk_operations(Operations& queries);
void add_exec_operations(Operations& jobs, Operations& queries);
void add_image_operations(Operations& jobs, Operations& queries);
void add_image_transfers(Operations& jobs);
void add_life_operations(Operations& jobs, Operations& queries);
void add_network_operations(Operations& jobs, Operations& queries);
void add_copy_operations(Operations& jobs, Operations& queries);
void add_system_operations(Operations& jobs, Operations& queries);
void add_volume_operations(Operations& jobs, Operations& queries);

// Events as the API's EventMessage, until the range of `since` and `until` is over or the client
// goes away.
Result<void> follow_events(Engine& engine, const job::Request& request, Cancel& cancel,
                           const job::Job::Emit& emit);

// "1700000000.5" seconds, or RFC 3339, as nanoseconds since 1970; absent or 0: 0.
Result<std::int64_t> time_argument(const job::Job& job, std::string_view name);

// `signal` and `t` of a stop or restart.
Result<container::Containers::StopRequest> stop_request(const job::Job& job);

}  // namespace davit::engine
