// SPDX-License-Identifier: Apache-2.0
// What an instance makes of what another one left, and of what somebody broke.
#include "sdk/contract/expectation.hpp"
#include "sdk/contract/network_bench.hpp"

#include <algorithm>
#include <cstdlib>

namespace davit::sdk::contract {
namespace {

using Names = std::vector<std::string>;

bool has(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

void endpoints_outlive_the_instance(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.started(2), two = bench.started(3);
    const auto server = NetworkBench::serve(two.netns.fd(), 80);
    bench.kill_and_reopen();
    EXPECT_EQ(NetworkBench::ask(one.netns.fd(), "172.30.0.3", 80), "172.30.0.2");
    const auto findings = bench.fabric().retain({"net-a", "net-b"}, {&one, &two});
    ASSERT_TRUE(findings) << findings.error().what;
    EXPECT_TRUE(findings->empty()) << findings->front().text;
    EXPECT_EQ(NetworkBench::ask(one.netns.fd(), "172.30.0.3", 80), "172.30.0.2");
    const auto again = bench.fabric().attach(one);
    ASSERT_FALSE(again) << "it is attached already";
    EXPECT_EQ(again.error().code, Code::exists);
    EXPECT_TRUE(bench.fabric().detach(one, true));
    EXPECT_TRUE(bench.fabric().detach(two, true));
    EXPECT_TRUE(bench.fabric().remove("net-a"));
}

void retain_removes_what_does_not_live(NetworkBench& bench) {
    const Names before = NetworkBench::links(bench.host());
    bench.create_networks();
    const Sandbox kept = bench.started(2), dead = bench.started(3),
                  other = bench.started(2, {}, "net-b");
    bench.kill_and_reopen();
    const auto findings = bench.fabric().retain({"net-a"}, {&kept});
    ASSERT_TRUE(findings) << findings.error().what;
    EXPECT_EQ(findings->size(), 3u) << "net-b and two endpoints";
    EXPECT_TRUE(soon([&] { return !has(NetworkBench::links(dead.netns.fd()), "eth0"); }));
    EXPECT_TRUE(soon([&] { return !has(NetworkBench::links(other.netns.fd()), "eth0"); }));
    EXPECT_TRUE(has(NetworkBench::links(kept.netns.fd()), "eth0"));
    EXPECT_TRUE(bench.fabric().retain({}, {}));
    EXPECT_TRUE(soon([&] { return NetworkBench::links(bench.host()) == before; }));
}

void check_is_silent_when_all_is_well(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.started(2);
    const auto findings = bench.fabric().check("net-a");
    ASSERT_TRUE(findings) << findings.error().what;
    EXPECT_TRUE(findings->empty()) << findings->front().text;
}

void retain_tells_of_a_live_endpoint_whose_link_is_gone(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox lost = bench.started(2), kept = bench.started(3);
    bench.close();
    const auto remove = [] { return system("ip link del eth0") == 0; };
    ASSERT_TRUE(NetworkBench::inside(lost.netns.fd(), remove));
    bench.reopen();
    const auto findings = bench.fabric().retain({"net-a", "net-b"}, {&lost, &kept});
    ASSERT_TRUE(succeeds(findings));
    ASSERT_EQ(findings->size(), 1u);
    EXPECT_NE(findings->front().object.find(lost.endpoint), std::string::npos);
    EXPECT_FALSE(findings->front().text.empty());
    EXPECT_TRUE(succeeds(bench.fabric().detach(lost, true)));
    EXPECT_TRUE(succeeds(bench.fabric().detach(kept, true)));
    EXPECT_TRUE(succeeds(bench.fabric().remove("net-a")));
}

// Breaks one thing, and expects that `check` finds and mends it.
void expect_mended(NetworkBench& bench, const std::string& link, const std::string& damage) {
    ::setenv("LINK", link.c_str(), 1);
    ASSERT_EQ(system(damage.c_str()), 0) << damage;
    const auto findings = bench.fabric().check("");
    ASSERT_TRUE(succeeds(findings)) << damage;
    ASSERT_FALSE(findings->empty()) << "not seen: " << damage;
    for (const NetworkFinding& finding : *findings)
        EXPECT_TRUE(finding.repaired) << damage << ": " << finding.text;
    EXPECT_TRUE(bench.fabric().check("")->empty()) << "not mended: " << damage;
}

void check_finds_and_mends_planted_damage(NetworkBench& bench) {
    bench.create_networks();
    const std::string link = bench.second_link();
    int last = 10;
    for (const std::string& damage : bench.subject().damages) {
        ASSERT_NO_FATAL_FAILURE(expect_mended(bench, link, damage));
        const Sandbox one = bench.started(++last, {}, "net-b"),
                      two = bench.started(++last, {}, "net-b");
        const auto server = NetworkBench::serve(two.netns.fd(), 80);
        EXPECT_NE(NetworkBench::ask(one.netns.fd(), "172.31.0." + std::to_string(last), 80)
                      .find("172.31."),
                  std::string::npos)
            << damage;
        EXPECT_TRUE(succeeds(bench.fabric().detach(one, true)));
        EXPECT_TRUE(succeeds(bench.fabric().detach(two, true)));
    }
}

}  // namespace

#define CASE(name) \
    NetworkCase { #name, name }

std::vector<NetworkCase> network_recovery_cases() {
    return {CASE(endpoints_outlive_the_instance), CASE(retain_removes_what_does_not_live),
            CASE(retain_tells_of_a_live_endpoint_whose_link_is_gone),
            CASE(check_is_silent_when_all_is_well), CASE(check_finds_and_mends_planted_damage)};
}

}  // namespace davit::sdk::contract
