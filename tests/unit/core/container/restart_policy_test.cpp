// SPDX-License-Identifier: Apache-2.0
#include "core/container/restart_policy.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <string>

namespace davit::container {
namespace {

using Kind = RestartPolicy::Kind;
using namespace std::chrono_literals;

Result<RestartPolicy> read(const std::string& policy) {
    return read_restart_policy(
        boost::json::parse(R"({"RestartPolicy":)" + policy + "}").as_object());
}

TEST(RestartPolicy, IsReadAndRefusedAsDockerDoes) {
    EXPECT_EQ(read(R"({"Name":""})")->kind, Kind::never);
    EXPECT_EQ(read(R"({"Name":"unless-stopped"})")->kind, Kind::unless_stopped);
    EXPECT_EQ(read(R"({"Name":"on-failure","MaximumRetryCount":3})")->maximum, 3);
    for (const char* bad : {R"({"Name":"sometimes"})", R"({"Name":"always","MaximumRetryCount":1})",
                            R"({"Name":"on-failure","MaximumRetryCount":-1})"}) {
        const auto policy = read(bad);
        ASSERT_FALSE(policy) << bad;
        EXPECT_EQ(policy.error().code, Code::invalid);
    }
}

TEST(RestartPolicy, SaysWhatStartsAgain) {
    const Ending clean{}, failed{.exit_code = 1}, by_user{.exit_code = 137, .by_user = true};
    const RestartPolicy never{}, always{Kind::always}, unless{Kind::unless_stopped},
        failure{Kind::on_failure};
    EXPECT_FALSE(starts_again(never, failed, Occasion::exit));
    EXPECT_TRUE(starts_again(always, clean, Occasion::exit));
    EXPECT_TRUE(starts_again(unless, clean, Occasion::exit));
    EXPECT_FALSE(starts_again(failure, clean, Occasion::exit));
    EXPECT_TRUE(starts_again(failure, failed, Occasion::exit));
    for (const auto& policy : {always, unless, failure})
        EXPECT_FALSE(starts_again(policy, by_user, Occasion::exit));
    EXPECT_TRUE(starts_again(always, by_user, Occasion::daemon_start));
    EXPECT_FALSE(starts_again(unless, by_user, Occasion::daemon_start));
    EXPECT_FALSE(starts_again(failure, by_user, Occasion::daemon_start));
}

TEST(RestartPolicy, CountsFailures) {
    const RestartPolicy twice{Kind::on_failure, 2};
    EXPECT_TRUE(starts_again(twice, {.exit_code = 1, .restarts_before = 1}, Occasion::exit));
    EXPECT_FALSE(starts_again(twice, {.exit_code = 1, .restarts_before = 2}, Occasion::exit));
}

TEST(RestartPolicy, WaitsLongerEachTimeUpToAMinute) {
    EXPECT_EQ(restart_delay(0ns, 1s), 100ms);
    EXPECT_EQ(restart_delay(100ms, 1s), 200ms);
    EXPECT_EQ(restart_delay(50s, 1s), 1min);
    EXPECT_EQ(restart_delay(1min, 9s), 1min);
    EXPECT_EQ(restart_delay(1min, 10s), 100ms);
}

}  // namespace
}  // namespace davit::container
