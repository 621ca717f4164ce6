// SPDX-License-Identifier: Apache-2.0
// Health checks as they are asked for, and what their results mean. Values and pure functions; who
// runs the checks is in health_checks.hpp.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::container {

// Docker's defaults; times in nanoseconds.
struct HealthCheck {
    std::vector<std::string> command;
    std::int64_t interval = 30'000'000'000, timeout = 30'000'000'000;
    std::int64_t start_period = 0, start_interval = 5'000'000'000;
    int retries = 3;
};

enum class HealthStatus { starting, healthy, unhealthy };
std::string_view health_name(HealthStatus status);
Result<HealthStatus> parse_health(std::string_view name);

struct Probe {
    std::int64_t start_ns = 0, end_ns = 0;
    int exit_code = 0;   // -1: it could not be run, or took too long
    std::string output;  // at most kProbeOutput bytes
};
inline constexpr std::size_t kProbeOutput = 4096, kProbesKept = 5;

struct Health {
    HealthStatus status = HealthStatus::starting;
    int failing_streak = 0;
    std::vector<Probe> log;  // the last kProbesKept
};

// Fills what Config.Healthcheck leaves open with the image's.
void merge_health(boost::json::object& config, const boost::json::object& image);
// Reads Config.Healthcheck; nothing when there is none or its Test is NONE. Errors: invalid, in
// docker's words.
Result<std::optional<HealthCheck>> read_health(const boost::json::object& config);

// How it stands after one more probe of a run that began at `started_ns`: failures do not count
// while the start period has not brought a success.
Health after_probe(const Health& before, Probe probe, const HealthCheck& check,
                   std::int64_t started_ns);
// How long to wait for the next probe.
std::int64_t next_interval(const Health& health, const HealthCheck& check, std::int64_t up_ns);

}  // namespace davit::container
