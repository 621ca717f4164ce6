// SPDX-License-Identifier: Apache-2.0
// Who reaches whom, by real packets.
#include "sdk/contract/expectation.hpp"
#include "sdk/contract/network_bench.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>

namespace davit::sdk::contract {
namespace {

davit_port web_port(std::uint16_t host_port) {
    return {.host = {},
            .host_port = host_port,
            .container_port = 80,
            .protocol = IPPROTO_TCP,
            .padding = {}};
}

void packets_flow_when_attach_returns(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox server_box = bench.started(2);
    const auto server = NetworkBench::serve(server_box.netns.fd(), 80);
    for (int i = 0; i < 8; ++i) {
        const Sandbox client = bench.started(10 + i);
        const auto answer = ask_server(client.netns.fd(), Transport::tcp, "172.30.0.2", 80,
                                       std::chrono::milliseconds(800));
        ASSERT_TRUE(answer) << "a lost first packet costs a second: " << answer.error().what;
        EXPECT_EQ(*answer, "172.30.0." + std::to_string(10 + i));
    }
}

void networks_are_apart(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.started(2), other = bench.started(2, {}, "net-b");
    const auto server = NetworkBench::serve(one.netns.fd(), 80);
    EXPECT_TRUE(NetworkBench::is_out_of_reach(other.netns.fd(), "172.30.0.2", 80));
}

void host_and_container_reach_each_other_as_the_driver_says(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.started(2);
    const auto inside = NetworkBench::serve(one.netns.fd(), 80);
    const auto outside = NetworkBench::serve(bench.host(), 81);
    if (!bench.subject().reaches_host) {
        EXPECT_TRUE(NetworkBench::is_out_of_reach(bench.host(), "172.30.0.2", 80));
        return;
    }
    EXPECT_EQ(NetworkBench::ask(bench.host(), "172.30.0.2", 80), "172.30.0.1");
    EXPECT_EQ(NetworkBench::ask(one.netns.fd(), "172.30.0.1", 81), "172.30.0.2");
}

void published_ports_are_reached_or_refused_by_name(NetworkBench& bench) {
    bench.create_networks();
    Sandbox web = bench.sandbox(2);
    web.ports = {web_port(8080)};
    const auto attached = bench.fabric().attach(web);
    if (!bench.subject().publishes) {
        ASSERT_FALSE(attached);
        EXPECT_EQ(attached.error().code, Code::unsupported);
        return;
    }
    ASSERT_TRUE(attached) << attached.error().what;
    const auto server = NetworkBench::serve(web.netns.fd(), 80);
    EXPECT_EQ(NetworkBench::ask(bench.lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_NE(NetworkBench::ask(bench.host(), "127.0.0.1", 8080).find("172.30."),
              std::string::npos);
    const Sandbox other = bench.started(3, {}, "net-b"), sibling = bench.started(3);
    EXPECT_FALSE(NetworkBench::is_out_of_reach(sibling.netns.fd(), "192.0.2.1", 8080));
    EXPECT_FALSE(NetworkBench::is_out_of_reach(other.netns.fd(), "192.0.2.1", 8080));
    EXPECT_FALSE(NetworkBench::is_out_of_reach(web.netns.fd(), "192.0.2.1", 8080)) << "itself";
    ASSERT_TRUE(bench.fabric().detach(web, true));
    EXPECT_TRUE(NetworkBench::is_out_of_reach(bench.lan(), "192.0.2.1", 8080));
}

void the_hosts_loopback_is_out_of_reach(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.started(2);
    const auto service = EchoServer::start(bench.host(), Transport::tcp, "127.0.0.1", 631);
    ASSERT_TRUE(service) << service.error().what;
    EXPECT_TRUE(NetworkBench::is_out_of_reach(one.netns.fd(), "127.0.0.1", 631));
    EXPECT_TRUE(NetworkBench::is_out_of_reach(one.netns.fd(), "172.30.0.1", 631));
}

void ipv6_is_offered_or_refused(NetworkBench& bench) {
    const auto created = bench.fabric().create({.key = "net-a",
                                                .gateway4 = "172.30.0.1/16",
                                                .gateway6 = "fd00:30::1/64",
                                                .options = bench.subject().options});
    if (!bench.subject().ipv6) {
        EXPECT_TRUE(fails_as(created, Code::unsupported));
        return;
    }
    ASSERT_TRUE(succeeds(created));
    std::vector<Sandbox> both;
    for (const int last : {2, 3}) {
        both.push_back(bench.sandbox(last));
        both.back().addresses.push_back(
            network_address("fd00:30::" + std::to_string(last) + "/64"));
        both.back().gateway6 = "fd00:30::1";
        ASSERT_TRUE(succeeds(bench.fabric().attach(both.back())));
    }
    const auto server = EchoServer::start(both[1].netns.fd(), Transport::tcp, "::", 80);
    ASSERT_TRUE(succeeds(server));
    EXPECT_EQ(NetworkBench::ask(both[0].netns.fd(), "fd00:30::3", 80), "fd00:30::2");
    EXPECT_EQ(NetworkBench::ask(both[0].netns.fd(), "172.30.0.3", 80), "::ffff:172.30.0.2");
}

void a_detached_endpoint_is_out_of_reach(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.started(2), two = bench.started(3);
    const auto server = NetworkBench::serve(two.netns.fd(), 80);
    ASSERT_FALSE(NetworkBench::is_out_of_reach(one.netns.fd(), "172.30.0.3", 80));
    ASSERT_TRUE(succeeds(bench.fabric().detach(two, true)));
    EXPECT_TRUE(
        soon([&] { return NetworkBench::is_out_of_reach(one.netns.fd(), "172.30.0.3", 80); }));
}

// A descriptor for each sandbox, some for each server and socket.
void allow_many_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void a_thousand_endpoints_lie_on_one_network(NetworkBench& bench) {
    constexpr int kEndpoints = 1000;
    constexpr std::chrono::seconds kLongest{120};  // a tenth of it on an idle machine
    allow_many_descriptors();
    bench.create_networks();
    const auto begin = std::chrono::steady_clock::now();
    std::vector<Sandbox> all;
    for (int i = 0; i < kEndpoints; ++i) all.push_back(bench.started(2 + i));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, kLongest);
    ASSERT_FALSE(testing::Test::HasFailure());
    const auto server = NetworkBench::serve(all.front().netns.fd(), 80);
    for (int i = kEndpoints - 20; i < kEndpoints; ++i)
        EXPECT_EQ(NetworkBench::ask(all[static_cast<std::size_t>(i)].netns.fd(), "172.30.0.2", 80),
                  "172.30." + std::to_string((2 + i) / 256) + "." + std::to_string((2 + i) % 256));
    bench.kill_and_reopen();
    std::vector<const Sandbox*> live;
    for (const Sandbox& one : all) live.push_back(&one);
    const auto findings = bench.fabric().retain({"net-a", "net-b"}, live);
    ASSERT_TRUE(succeeds(findings));
    EXPECT_TRUE(findings->empty()) << findings->front().text;
    for (Sandbox& one : all) one.netns = NetNs(Fd());  // all containers end
    for (const Sandbox& one : all) ASSERT_TRUE(succeeds(bench.fabric().detach(one, false)));
    EXPECT_TRUE(succeeds(bench.fabric().remove("net-a")));
}

}  // namespace

std::vector<NetworkCase> network_packet_cases() {
    return {{"packets_flow_when_attach_returns", packets_flow_when_attach_returns},
            {"networks_are_apart", networks_are_apart},
            {"host_and_container_reach_each_other_as_the_driver_says",
             host_and_container_reach_each_other_as_the_driver_says},
            {"published_ports_are_reached_or_refused_by_name",
             published_ports_are_reached_or_refused_by_name},
            {"the_hosts_loopback_is_out_of_reach", the_hosts_loopback_is_out_of_reach},
            {"ipv6_is_offered_or_refused", ipv6_is_offered_or_refused},
            {"a_detached_endpoint_is_out_of_reach", a_detached_endpoint_is_out_of_reach},
            {"a_thousand_endpoints_lie_on_one_network", a_thousand_endpoints_lie_on_one_network}};
}

}  // namespace davit::sdk::contract
