// SPDX-License-Identifier: Apache-2.0
#include "core/container/resources.hpp"
#include "core/container/statistics.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <unistd.h>

namespace davit::container {
namespace {

namespace bj = boost::json;

bj::object object_of(const char* text) { return bj::parse(text).as_object(); }

TEST(Resources, AreRefusedInDockersWords) {
    const auto refused = [](const char* host, const char* words) {
        const auto resources = read_resources(object_of(host));
        EXPECT_FALSE(resources) << host;
        if (!resources) {
            EXPECT_NE(resources.error().what.find(words), std::string::npos) << host;
        }
    };
    refused(R"({"Memory":4096})", "6MB");
    refused(R"({"MemorySwap":9000000})", "always set the Memory limit");
    refused(R"({"NanoCpus":1,"CpuQuota":2000})", "Nano CPUs and CPU Quota");
    refused(R"({"BlkioWeight":5})", "from 10 to 1000");
    refused(R"({"MemorySwappiness":101})", "0-100");
}

TEST(Resources, BecomeTheLimitsOfASpecification) {
    const auto resources = read_resources(
        object_of(R"({"Memory":67108864,"MemorySwap":-1,"NanoCpus":500000000,"PidsLimit":9,
                      "BlkioWeight":300,"CpusetCpus":"0","MemorySwappiness":0})"));
    ASSERT_TRUE(resources) << resources.error().what;
    const auto spec = resources_spec(*resources);
    ASSERT_TRUE(spec) << spec.error().what;
    EXPECT_EQ(*spec, object_of(R"({"memory":{"limit":67108864,"swap":-1,"swappiness":0},
        "cpu":{"period":100000,"quota":50000,"cpus":"0"},"pids":{"limit":9},
        "blockIO":{"weight":300}})"));
}

TEST(Resources, ADeviceLimitNeedsABlockDevice) {
    const auto resources =
        read_resources(object_of(R"({"BlkioDeviceReadBps":[{"Path":"/dev/null","Rate":9}]})"));
    ASSERT_TRUE(resources);
    EXPECT_FALSE(resources_spec(*resources));
}

TEST(Resources, AnUpdateSaysOnlyWhatChanges) {
    bj::object host = object_of(R"({"Memory":9000000,"MemorySwap":18000000,"CpuShares":7})");
    ASSERT_TRUE(overlay_resources(host, object_of(R"({"Memory":0,"CpuShares":9,"PidsLimit":0})")));
    EXPECT_EQ(host,
              object_of(R"({"Memory":9000000,"MemorySwap":18000000,"CpuShares":9,"PidsLimit":0})"));
    EXPECT_FALSE(overlay_resources(host, object_of(R"({"Memory":19000000})")));
    EXPECT_FALSE(overlay_resources(host, object_of(R"({"Privileged":true})")));
}

TEST(Statistics, ReadsTheKernelsTables) {
    const auto interfaces = parse_interfaces(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
        "    lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n"
        "  eth0: 100 20 1 2 0 0 0 0 300 40 3 4 0 0 0 0\n");
    ASSERT_EQ(interfaces.size(), 1u);
    EXPECT_EQ(interfaces[0].name, "eth0");
    EXPECT_EQ(interfaces[0].rx_bytes, 100u);
    EXPECT_EQ(interfaces[0].tx_dropped, 4u);
    const auto tick = 1'000'000'000ull / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    EXPECT_EQ(parse_host_cpu("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 9 9 9\n"), 28 * tick);
}

}  // namespace
}  // namespace davit::container
