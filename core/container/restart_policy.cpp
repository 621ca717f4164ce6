// SPDX-License-Identifier: Apache-2.0
#include "core/container/restart_policy.hpp"

#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <string>

namespace davit::container {

namespace {

using Kind = RestartPolicy::Kind;
constexpr std::chrono::nanoseconds kFirstDelay = std::chrono::milliseconds(100);
constexpr std::chrono::nanoseconds kLongestDelay = std::chrono::minutes(1);
constexpr std::chrono::nanoseconds kSteady = std::chrono::seconds(10);

}  // namespace

Result<RestartPolicy> read_restart_policy(const boost::json::object& host) {
    RestartPolicy policy;
    const auto* given = TRY(json::get_object(host, "RestartPolicy"));
    if (given == nullptr) return policy;
    const std::string name = TRY(json::get_string(*given, "Name", ""));
    policy.maximum = static_cast<int>(TRY(json::get_int(*given, "MaximumRetryCount", 0)));
    if (name == "always")
        policy.kind = Kind::always;
    else if (name == "unless-stopped")
        policy.kind = Kind::unless_stopped;
    else if (name == "on-failure")
        policy.kind = Kind::on_failure;
    else if (!name.empty() && name != "no")
        return fail(Code::invalid, "invalid restart policy '", name, "'");
    if (policy.maximum < 0) return fail(Code::invalid, "maximum retry count cannot be negative");
    if (policy.maximum != 0 && policy.kind != Kind::on_failure)
        return fail(Code::invalid, "maximum retry count cannot be used with restart policy '", name,
                    "'");
    return policy;
}

bool starts_again(const RestartPolicy& policy, const Ending& ending, Occasion occasion) {
    if (ending.by_user && !(policy.kind == Kind::always && occasion == Occasion::daemon_start))
        return false;
    switch (policy.kind) {
        case Kind::never: return false;
        case Kind::always:
        case Kind::unless_stopped: return true;
        case Kind::on_failure:
            return ending.exit_code != 0 &&
                   (policy.maximum == 0 || ending.restarts_before < policy.maximum);
    }
    return false;
}

std::chrono::nanoseconds restart_delay(std::chrono::nanoseconds previous,
                                       std::chrono::nanoseconds run) {
    if (previous.count() <= 0 || run >= kSteady) return kFirstDelay;
    return std::min(2 * previous, kLongestDelay);
}

}  // namespace davit::container
