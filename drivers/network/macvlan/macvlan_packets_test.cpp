// SPDX-License-Identifier: Apache-2.0
// Who reaches whom in each mode, by real packets.
#include "macvlan_fixture.hpp"

namespace davit::macvlan::test {
namespace {

class MacvlanPackets : public MacvlanHost {};

TEST_F(MacvlanPackets, a_container_is_a_neighbour_in_the_lan) {
    ASSERT_TRUE(create(on_lan()));
    const Sandbox web = started(20);
    const auto inside = bench::serve(web.netns.fd(), 80), outside = bench::serve(lan(), 81);
    EXPECT_EQ(bench::ask(lan(), address(20), 80), "192.0.2.9");
    EXPECT_EQ(bench::ask(web.netns.fd(), address(9), 81), "192.0.2.20");
}

TEST_F(MacvlanPackets, so_it_is_by_ipv6) {
    ASSERT_TRUE(shell(lan(), "ip addr add fd00::9/64 dev lan0 nodad"));
    ASSERT_TRUE(create(on_lan()));
    const Sandbox web = started(20);
    const auto server = sdk::EchoServer::start(web.netns.fd(), sdk::Transport::tcp, "::", 80);
    ASSERT_TRUE(server) << server.error().what;
    EXPECT_EQ(bench::ask(lan(), "fd00::20", 80), "fd00::9");
}

TEST_F(MacvlanPackets, the_default_route_leads_to_the_lans_router) {
    ASSERT_TRUE(shell(lan(), "ip addr add 198.51.100.7/32 dev lo"));
    ASSERT_TRUE(create(on_lan()));
    const Sandbox web = started(20);
    const auto far = bench::serve(lan(), 81);
    EXPECT_EQ(bench::ask(web.netns.fd(), "198.51.100.7", 81), "192.0.2.20");
}

TEST_F(MacvlanPackets, the_host_is_out_of_reach) {
    ASSERT_TRUE(create(on_lan()));
    const Sandbox web = started(20);
    const auto inside = bench::serve(web.netns.fd(), 80), outside = bench::serve(host(), 81);
    EXPECT_TRUE(bench::is_out_of_reach(host(), address(20), 80));
    EXPECT_TRUE(bench::is_out_of_reach(web.netns.fd(), address(1), 81));
}

TEST_F(MacvlanPackets, bridge_mode_joins_all_networks_of_one_parent) {
    ASSERT_TRUE(create(on_lan()));
    ASSERT_TRUE(create(on_lan(), "net-b"));
    const Sandbox one = started(20), two = started(21), other = started(22, "net-b");
    EXPECT_TRUE(reach(one, two, 21));
    EXPECT_TRUE(reach(other, two, 21));
}

TEST_F(MacvlanPackets, private_mode_keeps_containers_apart_and_in_the_lan) {
    ASSERT_TRUE(create(mode("private"), "net-a", DAVIT_NETWORK_ICC_OFF));
    const Sandbox one = started(20), two = started(21);
    EXPECT_FALSE(reach(one, two, 21));
    const auto server = bench::serve(two.netns.fd(), 80);
    EXPECT_EQ(bench::ask(lan(), address(21), 80), "192.0.2.9");
}

TEST_F(MacvlanPackets, vepa_mode_leaves_it_to_the_switch) {
    ASSERT_TRUE(create(on_lan(R"("mode": "vepa")")));
    const Sandbox one = started(20), two = started(21);
    EXPECT_FALSE(reach(one, two, 21)) << "the peer sends nothing back";
    ASSERT_TRUE(shell(lan(),
                      "ip link add br0 type bridge && ip link set lan0 master br0 && "
                      "ip link set br0 up && bridge link set dev lan0 hairpin on"));
    const Sandbox fresh = started(22);  // the first still waits for an answer to its question
    EXPECT_TRUE(reach(fresh, two, 21)) << "a switch that reflects";
}

TEST_F(MacvlanPackets, passthru_mode_gives_one_container_the_parent) {
    ASSERT_TRUE(create(mode("passthru")));
    const Sandbox one = sandbox(20), two = sandbox(21);
    const auto attached = fabric().attach(one);
    ASSERT_TRUE(attached) << attached.error().what;
    sdk::RouteSocket socket = *sdk::RouteSocket::open();
    const sdk::Link parent = *sdk::find_link(socket, "lanlink0");
    EXPECT_TRUE(std::equal(parent.mac.begin(), parent.mac.end(), attached->mac));
    const auto server = bench::serve(one.netns.fd(), 80);
    EXPECT_EQ(bench::ask(lan(), address(20), 80), "192.0.2.9");
    const auto refused = fabric().attach(two);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::busy) << refused.error().what;
    ASSERT_TRUE(fabric().detach(one, false));
    EXPECT_TRUE(fabric().attach(two)) << "at once";
}

TEST_F(MacvlanPackets, passthru_mode_gives_the_mac_that_is_asked_for_and_the_parent_its_own_back) {
    ASSERT_TRUE(create(mode("passthru")));
    sdk::RouteSocket socket = *sdk::RouteSocket::open();
    const sdk::Mac before = sdk::find_link(socket, "lanlink0")->mac;
    Sandbox one = sandbox(20);
    one.mac = {0x02, 1, 2, 3, 4, 5};
    const auto attached = fabric().attach(one);
    ASSERT_TRUE(attached) << attached.error().what;
    const auto server = bench::serve(one.netns.fd(), 80);
    EXPECT_EQ(bench::ask(lan(), address(20), 80), "192.0.2.9");
    EXPECT_EQ(sdk::find_link(socket, "lanlink0")->mac, one.mac);
    ASSERT_TRUE(fabric().detach(one, true));
    EXPECT_EQ(sdk::find_link(socket, "lanlink0")->mac, before);
}

TEST_F(MacvlanPackets, without_a_parent_nothing_leaves_and_nothing_enters) {
    ASSERT_TRUE(create("{}", "net-a", DAVIT_NETWORK_INTERNAL));
    const Sandbox one = started(20), two = started(21);
    EXPECT_TRUE(reach(one, two, 21));
    const auto inside = bench::serve(two.netns.fd(), 80);
    EXPECT_TRUE(bench::is_out_of_reach(host(), address(21), 80));
    EXPECT_TRUE(bench::is_out_of_reach(lan(), address(21), 80));
    const auto peer = bench::serve(lan(), 81), outside = bench::serve(host(), 82);
    EXPECT_TRUE(bench::is_out_of_reach(one.netns.fd(), address(9), 81));
    EXPECT_TRUE(bench::is_out_of_reach(one.netns.fd(), address(1), 82));
}

}  // namespace
}  // namespace davit::macvlan::test
