// SPDX-License-Identifier: Apache-2.0
// When a container that has ended is started again, and how long that waits. Values and pure
// functions.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <chrono>

namespace davit::container {

struct RestartPolicy {
    enum class Kind { never, on_failure, always, unless_stopped };
    Kind kind = Kind::never;
    int maximum = 0;  // starts after failures; 0: any number
};

// Reads HostConfig.RestartPolicy. Errors: invalid, in docker's words.
Result<RestartPolicy> read_restart_policy(const boost::json::object& host);

// How a run ended.
struct Ending {
    int exit_code = 0;
    bool by_user = false;     // stopped or killed on request
    int restarts_before = 0;  // in a row, by the policy
};
// `daemon_start`: the daemon comes up and finds it ended. `always` then means even what was stopped
// by hand, as it does with docker.
enum class Occasion { exit, daemon_start };
bool starts_again(const RestartPolicy& policy, const Ending& ending, Occasion occasion);

// 100 ms, doubled with every start to one minute; from the beginning after a run of 10 seconds.
// `previous` zero: there was none.
std::chrono::nanoseconds restart_delay(std::chrono::nanoseconds previous,
                                       std::chrono::nanoseconds run);

}  // namespace davit::container
