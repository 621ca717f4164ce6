// SPDX-License-Identifier: Apache-2.0
#include "cli/units.hpp"
#include "cli/progress.hpp"

#include <gtest/gtest.h>

namespace davit::cli {
namespace {

TEST(Bytes, are_powers_of_1024) {
    EXPECT_EQ(*parse_bytes("512"), 512);
    EXPECT_EQ(*parse_bytes("64m"), 64 << 20);
    EXPECT_EQ(*parse_bytes("1.5GiB"), 3ll << 29);
    EXPECT_EQ(*parse_bytes("10 kb"), 10240);
    EXPECT_EQ(*parse_bytes("7b"), 7);
    for (const auto* bad : {"", "m", "-1", "1x", "1mm", "1 m b"})
        EXPECT_FALSE(parse_bytes(bad)) << bad;
}

TEST(Duration, is_read_as_go_reads_it) {
    EXPECT_EQ(*parse_duration("1h2m3.5s"), 3'723'500'000'000);
    EXPECT_EQ(*parse_duration("300ms"), 300'000'000);
    EXPECT_EQ(*parse_duration("-1s"), -1'000'000'000);
    EXPECT_EQ(*parse_duration("0"), 0);
    for (const auto* bad : {"", "5", "s", "1d", "1s2"}) EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Cpus, are_exact_to_nine_digits) {
    EXPECT_EQ(*parse_nano("1.5"), 1'500'000'000);
    EXPECT_EQ(*parse_nano(".25"), 250'000'000);
    EXPECT_EQ(*parse_nano("0.000000001"), 1);
    for (const auto* bad : {"", ".", "1.2.3", "-1", "1e3", "0.0000000001"})
        EXPECT_FALSE(parse_nano(bad)) << bad;
}

TEST(Timestamp, takes_durations_dates_and_seconds) {
    EXPECT_EQ(*timestamp("10m", 1'700'000'600), "1700000000.000000000");
    EXPECT_EQ(*timestamp("2023-11-14T22:13:20Z", 0), "1700000000.000000000");
    EXPECT_EQ(*timestamp("2023-11-14T23:13:20.25+01:00", 0), "1700000000.250000000");
    EXPECT_EQ(*timestamp("1700000000.5", 0), "1700000000.5");
    for (const auto* bad : {"", "yesterday", "2023-13", "2023-11-14T22:1"})
        EXPECT_FALSE(timestamp(bad, 0)) << bad;
}

TEST(HumanDuration, says_it_as_docker_does) {
    const std::pair<std::int64_t, std::string_view> cases[] = {
        {0, "Less than a second"}, {1, "1 second"},          {59, "59 seconds"},
        {60, "About a minute"},    {119, "About a minute"},  {120, "2 minutes"},
        {3600, "About an hour"},   {5400, "2 hours"},        {172'800 + 3600, "2 days"},
        {14 * 86400, "2 weeks"},   {60 * 86400, "2 months"}, {800 * 86400ll, "2 years"}};
    for (const auto& [seconds, text] : cases) EXPECT_EQ(human_duration(seconds), text) << seconds;
}

TEST(HumanSize, has_the_digits_asked_for) {
    EXPECT_EQ(human_size(1'982'000, 3), "1.98MB");
    EXPECT_EQ(human_size(1'982'000), "1.982MB");
    EXPECT_EQ(human_size(0, 3), "0B");
    EXPECT_EQ(human_size(123'456'789, 3), "123MB");
    EXPECT_EQ(human_size_binary(25'274'060'800.0), "23.54GiB");
}

TEST(ProgressBar, fits_its_room) {
    EXPECT_EQ(progress_bar(1'200'000, 3'000'000, 100),
              "[" + std::string(20, '=') + ">" + std::string(30, ' ') + "]    1.2MB/3MB");
    EXPECT_EQ(progress_bar(1'200'000, 3'000'000, 40).size(), 40u);
    EXPECT_EQ(progress_bar(1'200'000, 3'000'000, 20), "   1.2MB/3MB");
    EXPECT_EQ(progress_bar(5'000, 0, 100), "     5kB");
}

}  // namespace
}  // namespace davit::cli
