// SPDX-License-Identifier: Apache-2.0
// Objects, idempotence, the call's shape.
#include "sdk/contract/expectation.hpp"
#include "sdk/contract/network_bench.hpp"
#include "sdk/netlink/link.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>

namespace davit::sdk::contract {
namespace {

using Names = std::vector<std::string>;

std::ptrdiff_t entries_of(const char* directory) {
    const std::filesystem::directory_iterator all(directory);
    return std::distance(begin(all), end(all));
}

bool has(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

void create_network_is_idempotent(NetworkBench& bench) {
    bench.create_networks();
    const auto again = bench.fabric().create(
        {.key = "net-a", .gateway4 = "172.30.0.1/16", .options = bench.subject().options});
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(again->existed, 1u);
    const auto other = bench.fabric().create(
        {.key = "net-a", .gateway4 = "172.29.0.1/16", .options = bench.subject().options});
    ASSERT_FALSE(other) << "it exists with another subnet";
    EXPECT_EQ(other.error().code, Code::exists);
}

void remove_network_leaves_the_host_as_it_was(NetworkBench& bench) {
    const Names before = NetworkBench::links(bench.host());
    bench.create_networks();
    ASSERT_TRUE(bench.fabric().remove("net-a"));
    ASSERT_TRUE(bench.fabric().remove("net-b"));
    EXPECT_TRUE(bench.fabric().remove("net-a")) << "unknown is OK";
    EXPECT_TRUE(soon([&] { return NetworkBench::links(bench.host()) == before; }));
}

void remove_network_is_busy_while_endpoints_are_attached(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.started(2);
    const auto busy = bench.fabric().remove("net-a");
    ASSERT_FALSE(busy);
    EXPECT_EQ(busy.error().code, Code::busy);
    ASSERT_TRUE(bench.fabric().detach(one, true));
    EXPECT_TRUE(bench.fabric().remove("net-a"));
}

void attach_tells_the_interface_that_it_made(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.sandbox(2);
    const auto attached = bench.fabric().attach(one);
    ASSERT_TRUE(attached) << attached.error().what;
    EXPECT_STREQ(attached->interface, "eth0");
    const auto look = [&]() -> Result<void> {
        RouteSocket socket = TRY(RouteSocket::open());
        const Link eth0 = TRY(find_link(socket, "eth0"));
        EXPECT_TRUE(eth0.up);
        EXPECT_EQ(eth0.index, static_cast<int>(attached->index));
        EXPECT_TRUE(std::equal(eth0.mac.begin(), eth0.mac.end(), attached->mac));
        bool found = false;
        for (const LinkAddress& at : TRY(list_addresses(socket)))
            found = found || (at.link == eth0.index && address_text(at.address) == "172.30.0.2");
        EXPECT_TRUE(found);
        return {};
    };
    EXPECT_TRUE(one.netns.run(look));
}

void attach_gives_the_name_mac_and_mtu_that_are_asked_for(NetworkBench& bench) {
    bench.create_networks();
    Sandbox one = bench.sandbox(2);
    one.interface = "lan7";
    one.mac = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
    one.mtu = 1400;
    const auto attached = bench.fabric().attach(one);
    ASSERT_TRUE(succeeds(attached));
    EXPECT_STREQ(attached->interface, "lan7");
    EXPECT_TRUE(std::equal(one.mac.begin(), one.mac.end(), attached->mac));
    const auto look = [&] {
        RouteSocket socket = *RouteSocket::open();
        const auto link = find_link(socket, "lan7");
        return link && link->mac == one.mac && link->mtu == 1400 && link->up;
    };
    EXPECT_TRUE(NetworkBench::inside(one.netns.fd(), look));
}

void a_sandbox_may_lie_on_two_networks(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox first = bench.started(2);
    Sandbox second = bench.sandbox(2, "net-b");
    second.netns = NetNs(Fd(::fcntl(first.netns.fd(), F_DUPFD_CLOEXEC, 0)));
    second.gateway.clear();  // the default route is the first one's
    const auto attached = bench.fabric().attach(second);
    ASSERT_TRUE(succeeds(attached));
    EXPECT_STREQ(attached->interface, "eth1");
    const Sandbox on_first = bench.started(3), on_second = bench.started(3, {}, "net-b");
    const auto one = NetworkBench::serve(on_first.netns.fd(), 80),
               two = NetworkBench::serve(on_second.netns.fd(), 80);
    EXPECT_EQ(NetworkBench::ask(first.netns.fd(), "172.30.0.3", 80), "172.30.0.2");
    EXPECT_EQ(NetworkBench::ask(first.netns.fd(), "172.31.0.3", 80), "172.31.0.2");
    ASSERT_TRUE(succeeds(bench.fabric().detach(second, true)));
    EXPECT_EQ(NetworkBench::ask(first.netns.fd(), "172.30.0.3", 80), "172.30.0.2") << "it stays";
}

void attach_errors_leave_nothing(NetworkBench& bench) {
    bench.create_networks();
    const Names host = NetworkBench::links(bench.host());
    Sandbox one = bench.sandbox(2);
    const Names inside = NetworkBench::links(one.netns.fd());
    one.gateway = "10.99.0.1";  // not in the subnet
    EXPECT_FALSE(bench.fabric().attach(one));
    one.gateway = "172.30.0.1";
    one.network = "no-net";
    const auto nowhere = bench.fabric().attach(one);
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, Code::not_found);
    EXPECT_TRUE(soon([&] { return NetworkBench::links(bench.host()) == host; }));
    EXPECT_TRUE(soon([&] { return NetworkBench::links(one.netns.fd()) == inside; }));
    one.network = "net-a";
    EXPECT_TRUE(bench.fabric().attach(one)) << "the key is free";
    const auto again = bench.fabric().attach(one);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::exists);
}

void detach_is_idempotent(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox stays = bench.started(2), goes = bench.started(3);
    ASSERT_TRUE(bench.fabric().detach(stays, true));
    ASSERT_TRUE(bench.fabric().detach(stays, true));
    ASSERT_TRUE(bench.fabric().detach(stays, false));
    ASSERT_TRUE(bench.fabric().detach(goes, false));
    ASSERT_TRUE(bench.fabric().detach(goes, false));
    EXPECT_TRUE(soon([&] { return !has(NetworkBench::links(stays.netns.fd()), "eth0"); }));
}

void stats_are_the_containers(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.started(2), two = bench.started(3);
    const auto server = NetworkBench::serve(two.netns.fd(), 80);
    ASSERT_EQ(NetworkBench::ask(one.netns.fd(), "172.30.0.3", 80), "172.30.0.2");
    const auto stats = bench.fabric().stats(one);
    ASSERT_TRUE(stats) << stats.error().what;
    EXPECT_GT(stats->tx_packets, 2u);
    EXPECT_GT(stats->rx_packets, 2u);
    const auto nobody = bench.fabric().stats(bench.sandbox(9));
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code, Code::not_found);
}

void endpoints_come_and_go_at_the_same_time(NetworkBench& bench) {
    bench.create_networks();
    std::vector<Sandbox> all;
    for (int i = 0; i < 24; ++i) all.push_back(bench.sandbox(10 + i));
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (std::size_t t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (std::size_t i = t; i < all.size(); i += 8) {
                const auto attached = bench.fabric().attach(all[i]);
                if (!attached || !bench.fabric().detach(all[i], true)) ++failures;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(failures.load(), 0);
    EXPECT_TRUE(bench.fabric().check("net-a")->empty());
}

void one_endpoint_comes_and_goes_many_times(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.sandbox(2);
    const Names before = NetworkBench::links(one.netns.fd());
    for (int i = 0; i < 30; ++i) {
        ASSERT_TRUE(succeeds(bench.fabric().attach(one))) << "round " << i;
        ASSERT_TRUE(succeeds(bench.fabric().detach(one, true))) << "round " << i;
    }
    EXPECT_TRUE(soon([&] { return NetworkBench::links(one.netns.fd()) == before; }));
    EXPECT_TRUE(succeeds(bench.fabric().remove("net-a")));
}

void networks_come_and_go_at_the_same_time(NetworkBench& bench) {
    const Names before = NetworkBench::links(bench.host());
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            const std::string number = std::to_string(t);
            const NetworkWish wish{.key = "net-" + number,
                                   .gateway4 = "10.1." + number + ".1/24",
                                   .options = bench.subject().other_options};
            for (int i = 0; i < 4; ++i)
                if (!bench.fabric().create(wish) || !bench.fabric().remove(wish.key)) ++failures;
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(failures.load(), 0);
    EXPECT_TRUE(soon([&] { return NetworkBench::links(bench.host()) == before; }));
    EXPECT_TRUE(bench.fabric().check("")->empty());
}

void a_hundred_endpoints_leave_no_descriptor_or_thread(NetworkBench& bench) {
    bench.create_networks();
    ASSERT_TRUE(bench.fabric().detach(bench.started(2), true));
    const auto descriptors = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
    for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(bench.fabric().detach(bench.started(10 + i), i % 2 == 0));
    EXPECT_TRUE(soon([&] { return entries_of("/proc/self/fd") == descriptors; }));
    EXPECT_TRUE(soon([&] { return entries_of("/proc/self/task") == threads; }));
}

void a_newer_hosts_request_is_refused_if_it_asks_for_more(NetworkBench& bench) {
    bench.create_networks();
    struct Newer {
        davit_network_key known;
        std::uint64_t more;
    } request{};
    request.known.size = sizeof request;
    const std::string name = "net-a";
    request.known.network = str(name);
    Caller caller;
    const auto remove = [&] {
        caller.begin(nullptr);
        return caller.finish(bench.fabric().table().remove_network(bench.fabric().instance(),
                                                                   caller.raw(), &request.known));
    };
    request.more = 1;
    const auto refused = remove();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unsupported);
    request.more = 0;
    EXPECT_TRUE(remove());
}

}  // namespace

std::vector<NetworkCase> network_life_cases() {
    return {{"create_network_is_idempotent", create_network_is_idempotent},
            {"remove_network_leaves_the_host_as_it_was", remove_network_leaves_the_host_as_it_was},
            {"remove_network_is_busy_while_endpoints_are_attached",
             remove_network_is_busy_while_endpoints_are_attached},
            {"attach_tells_the_interface_that_it_made", attach_tells_the_interface_that_it_made},
            {"attach_gives_the_name_mac_and_mtu_that_are_asked_for",
             attach_gives_the_name_mac_and_mtu_that_are_asked_for},
            {"a_sandbox_may_lie_on_two_networks", a_sandbox_may_lie_on_two_networks},
            {"attach_errors_leave_nothing", attach_errors_leave_nothing},
            {"detach_is_idempotent", detach_is_idempotent},
            {"stats_are_the_containers", stats_are_the_containers},
            {"endpoints_come_and_go_at_the_same_time", endpoints_come_and_go_at_the_same_time},
            {"one_endpoint_comes_and_goes_many_times", one_endpoint_comes_and_goes_many_times},
            {"networks_come_and_go_at_the_same_time", networks_come_and_go_at_the_same_time},
            {"a_hundred_endpoints_leave_no_descriptor_or_thread",
             a_hundred_endpoints_leave_no_descriptor_or_thread},
            {"a_newer_hosts_request_is_refused_if_it_asks_for_more",
             a_newer_hosts_request_is_refused_if_it_asks_for_more}};
}

}  // namespace davit::sdk::contract
