// SPDX-License-Identifier: Apache-2.0
#include "core/container/health.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <string>

namespace davit::container {
namespace {

namespace bj = boost::json;
constexpr std::int64_t kSecond = 1'000'000'000;

Result<std::optional<HealthCheck>> read(const std::string& check, const std::string& more = "") {
    return read_health(bj::parse(R"({"Healthcheck":)" + check + more + "}").as_object());
}

TEST(Health, TheCommandIsAProgramOrALineForTheShell) {
    EXPECT_EQ((*read(R"({"Test":["CMD","a","b"]})"))->command,
              (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ((*read(R"({"Test":["CMD-SHELL","a b"]})"))->command,
              (std::vector<std::string>{"/bin/sh", "-c", "a b"}));
    EXPECT_EQ((*read(R"({"Test":["CMD-SHELL","a"]})", R"(,"Shell":["bash","-ec"])"))->command,
              (std::vector<std::string>{"bash", "-ec", "a"}));
    EXPECT_FALSE(*read(R"({"Test":["NONE"]})"));
    EXPECT_FALSE(*read(R"({"Test":[]})"));
    EXPECT_FALSE(read(R"({"Test":["WHAT","a"]})"));
    EXPECT_FALSE(read(R"({"Test":["CMD"]})"));
}

TEST(Health, TimesHaveDefaultsAndALeast) {
    const HealthCheck check = **read(R"({"Test":["CMD","a"],"Interval":2000000,"Retries":7})");
    EXPECT_EQ(check.interval, 2'000'000);
    EXPECT_EQ(check.timeout, 30 * kSecond);
    EXPECT_EQ(check.retries, 7);
    EXPECT_FALSE(read(R"({"Test":["CMD","a"],"Timeout":10})"));
    EXPECT_FALSE(read(R"({"Test":["CMD","a"],"Retries":-1})"));
}

TEST(Health, TheImageFillsWhatIsLeftOpen) {
    bj::object config = bj::parse(R"({"Healthcheck":{"Interval":5,"Test":[]}})").as_object();
    merge_health(
        config,
        bj::parse(R"({"Healthcheck":{"Test":["CMD","x"],"Interval":9,"Retries":2}})").as_object());
    EXPECT_EQ(config["Healthcheck"], bj::parse(R"({"Interval":5,"Test":["CMD","x"],"Retries":2})"));
}

TEST(Health, BecomesUnhealthyAfterSoManyFailuresInARow) {
    const HealthCheck check{.retries = 2};
    Health health = after_probe({}, {.start_ns = 1, .exit_code = 1}, check, 0);
    EXPECT_EQ(health.status, HealthStatus::starting);
    health = after_probe(health, {.start_ns = 2, .exit_code = 0}, check, 0);
    EXPECT_EQ(health.status, HealthStatus::healthy);
    EXPECT_EQ(health.failing_streak, 0);
    for (int i = 0; i < 2; ++i)
        health = after_probe(health, {.start_ns = 3, .exit_code = 1}, check, 0);
    EXPECT_EQ(health.status, HealthStatus::unhealthy);
    for (int i = 0; i < 9; ++i)
        health = after_probe(health, {.start_ns = 4 + i, .exit_code = 0}, check, 0);
    EXPECT_EQ(health.status, HealthStatus::healthy);
    ASSERT_EQ(health.log.size(), kProbesKept);
    EXPECT_EQ(health.log.back().start_ns, 12);
}

TEST(Health, FailuresOfTheStartPeriodDoNotCount) {
    const HealthCheck check{.start_period = 10 * kSecond, .retries = 1};
    Health health = after_probe({}, {.start_ns = 9 * kSecond, .exit_code = 1}, check, 0);
    EXPECT_EQ(health.status, HealthStatus::starting);
    EXPECT_EQ(next_interval(health, check, 9 * kSecond), check.start_interval);
    health = after_probe(health, {.start_ns = 11 * kSecond, .exit_code = 1}, check, 0);
    EXPECT_EQ(health.status, HealthStatus::unhealthy);
    EXPECT_EQ(next_interval(health, check, 11 * kSecond), check.interval);
}

}  // namespace
}  // namespace davit::container
