// SPDX-License-Identifier: Apache-2.0
#include "core/container/health.hpp"

#include "core/container/create_fields.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr std::int64_t kShortest = 1'000'000;  // ns; docker refuses what is under a millisecond

// CMD: the program itself; CMD-SHELL: a line for the image's shell.
Result<std::vector<std::string>> command_of(const bj::object& config,
                                            std::vector<std::string> test) {
    const std::string kind = test[0];
    test.erase(test.begin());
    if (kind == "CMD") return test;
    if (kind != "CMD-SHELL" || test.empty())
        return fail(Code::invalid, "Unknown healthcheck type '", kind, "'");
    auto shell = TRY(json::get_strings(config, "Shell"));
    if (shell.empty()) shell = {"/bin/sh", "-c"};
    shell.push_back(std::move(test[0]));
    return shell;
}

Result<void> read_time(const bj::object& from, const char* name, std::int64_t& into) {
    const std::int64_t value = TRY(json::get_int(from, name, 0));
    if (value != 0 && value < kShortest)
        return fail(Code::invalid, name, " in Healthcheck cannot be less than 1ms");
    if (value != 0) into = value;
    return {};
}

}  // namespace

std::string_view health_name(HealthStatus status) {
    switch (status) {
        case HealthStatus::starting: return "starting";
        case HealthStatus::healthy: return "healthy";
        case HealthStatus::unhealthy: break;
    }
    return "unhealthy";
}

Result<HealthStatus> parse_health(std::string_view name) {
    for (const auto status :
         {HealthStatus::starting, HealthStatus::healthy, HealthStatus::unhealthy})
        if (name == health_name(status)) return status;
    return fail(Code::corrupt, "read stored container: unknown health ", name);
}

void merge_health(bj::object& config, const bj::object& image) {
    const bj::value* theirs = json::find(image, "Healthcheck");
    if (theirs == nullptr || !theirs->is_object()) return;
    const bj::value* ours = json::find(config, "Healthcheck");
    if (ours == nullptr || !ours->is_object()) {
        config["Healthcheck"] = *theirs;
        return;
    }
    bj::object merged = ours->get_object();
    for (const auto& [name, value] : theirs->get_object())
        if (!merged.contains(name) || says_nothing(merged[name])) merged[name] = value;
    config["Healthcheck"] = std::move(merged);
}

Result<std::optional<HealthCheck>> read_health(const bj::object& config) {
    const auto* given = TRY(json::get_object(config, "Healthcheck"));
    if (given == nullptr) return std::optional<HealthCheck>();
    HealthCheck check;
    TRY(read_time(*given, "Interval", check.interval));
    TRY(read_time(*given, "Timeout", check.timeout));
    TRY(read_time(*given, "StartPeriod", check.start_period));
    TRY(read_time(*given, "StartInterval", check.start_interval));
    const std::int64_t retries = TRY(json::get_int(*given, "Retries", 0));
    if (retries < 0) return fail(Code::invalid, "Retries in Healthcheck cannot be negative");
    if (retries > 0) check.retries = static_cast<int>(retries);
    auto test = TRY(json::get_strings(*given, "Test"));
    if (test.empty() || test[0].empty() || test[0] == "NONE") return std::optional<HealthCheck>();
    check.command = TRY(command_of(config, std::move(test)));
    if (check.command.empty()) return fail(Code::invalid, "Test in Healthcheck names no command");
    return std::optional<HealthCheck>(std::move(check));
}

Health after_probe(const Health& before, Probe probe, const HealthCheck& check,
                   std::int64_t started_ns) {
    Health now = before;
    const bool begins =
        before.status == HealthStatus::starting && probe.start_ns - started_ns < check.start_period;
    if (probe.exit_code == 0) {
        now.failing_streak = 0;
        now.status = HealthStatus::healthy;
    } else if (!begins && ++now.failing_streak >= check.retries) {
        now.status = HealthStatus::unhealthy;
    }
    if (now.log.size() == kProbesKept) now.log.erase(now.log.begin());
    now.log.push_back(std::move(probe));
    return now;
}

std::int64_t next_interval(const Health& health, const HealthCheck& check, std::int64_t up_ns) {
    const bool begins = health.status == HealthStatus::starting && up_ns < check.start_period;
    return begins ? check.start_interval : check.interval;
}

}  // namespace davit::container
