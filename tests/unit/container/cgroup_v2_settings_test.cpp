// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/cgroup_v2_settings.hpp"

#include <gtest/gtest.h>

namespace davit::sdk::cgroup {
namespace {

// "file=value" of each, one after the other, as a group that has 64 MiB and half a processor gives.
std::string settings(const Resources& limits) {
    const auto now = [](const std::string& file) -> Result<std::string> {
        return std::string(file == "memory.max" ? "67108864\n" : "50000 100000\n");
    };
    const auto list = settings_of(limits, now);
    if (!list) return std::string(code_name(list.error().code));
    std::string text;
    for (const Setting& one : *list) text += one.file + "=" + one.value + ";";
    return text;
}

TEST(CgroupV2Settings, nothing_wanted_writes_nothing) {
    EXPECT_EQ(settings({}), "");
    EXPECT_EQ(settings({.disable_oom_killer = false, .cpu_realtime_runtime = 0}), "");
}

TEST(CgroupV2Settings, swap_is_counted_without_memory) {
    EXPECT_EQ(settings({.memory = 100, .memory_and_swap = 300}),
              "memory.swap.max=200;memory.max=100;");
    EXPECT_EQ(settings({.memory = 100, .memory_and_swap = 100}),
              "memory.swap.max=0;memory.max=100;");
    EXPECT_EQ(settings({.memory = 100, .memory_and_swap = -1}),
              "memory.swap.max=max;memory.max=100;");
    EXPECT_EQ(settings({.memory = -1}), "memory.max=max;");
}

TEST(CgroupV2Settings, swap_alone_goes_by_the_present_memory_limit) {
    EXPECT_EQ(settings({.memory_and_swap = 67108864 + 5}), "memory.swap.max=5;");
    EXPECT_EQ(settings({.memory_and_swap = 5}), "invalid");
    EXPECT_EQ(settings({.memory = -1, .memory_and_swap = 5}), "invalid");
}

TEST(CgroupV2Settings, processor_time_is_a_quota_and_its_period) {
    EXPECT_EQ(settings({.cpu_quota = 20000, .cpu_period = 50000}), "cpu.max=20000 50000;");
    EXPECT_EQ(settings({.cpu_quota = 20000}), "cpu.max=20000;");
    EXPECT_EQ(settings({.cpu_quota = -1}), "cpu.max=max;");
    EXPECT_EQ(settings({.cpu_period = 20000}), "cpu.max=50000 20000;");
}

TEST(CgroupV2Settings, shares_become_weights_with_the_same_ends) {
    EXPECT_EQ(cpu_weight(2), 1u);
    EXPECT_EQ(cpu_weight(1024), 39u);
    EXPECT_EQ(cpu_weight(262'144), 10'000u);
    EXPECT_EQ(cpu_weight(1), 1u) << "below the least";
    EXPECT_EQ(io_weight(10), 1u);
    EXPECT_EQ(io_weight(1'000), 10'000u);
}

TEST(CgroupV2Settings, throttles_name_their_device) {
    EXPECT_EQ(settings({.read_bytes = {{8, 0, 1000}}, .write_operations = {{8, 16, 0}}}),
              "io.max=8:0 rbps=1000;io.max=8:16 wiops=max;");
}

TEST(CgroupV2Settings, what_version_2_lacks_is_refused) {
    EXPECT_EQ(settings({.swappiness = 10}), "unsupported");
    EXPECT_EQ(settings({.disable_oom_killer = true}), "unsupported");
    EXPECT_EQ(settings({.cpu_realtime_runtime = 1000}), "unsupported");
}

}  // namespace
}  // namespace davit::sdk::cgroup
