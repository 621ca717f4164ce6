// SPDX-License-Identifier: Apache-2.0
// Who reaches whom: real packets between a host, a peer in its LAN and containers.
#include "bridge_fixture.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

namespace davit::bridge::test {
namespace {

using sdk::Transport;

class BridgePackets : public BridgeHost {
protected:
    void SetUp() override {
        BridgeHost::SetUp();
        if (HasFatalFailure()) return;
        const auto created = create();
        ASSERT_TRUE(created) << created.error().what;
    }
};

TEST_F(BridgePackets, published_port_is_reached_from_the_host_by_every_address_of_it) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto server = serve(web.netns.fd(), 80);
    EXPECT_EQ(ask(host(), "127.0.0.1", 8080), "172.30.0.1");
    EXPECT_EQ(ask(host(), "127.0.0.5", 8080), "172.30.0.1");
    EXPECT_EQ(ask(host(), "192.0.2.1", 8080), "192.0.2.1");
    EXPECT_EQ(ask(host(), "172.30.0.1", 8080), "172.30.0.1");
}

TEST_F(BridgePackets, published_port_is_reached_from_the_lan_with_the_peers_address) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto server = serve(web.netns.fd(), 80);
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_EQ(ask(lan(), "192.0.2.1", 80), "refused");
}

TEST_F(BridgePackets, published_udp_port_answers_from_the_host_and_the_lan) {
    const Container dns = start("172.30.0.2/16", {port(5353, 53, "", IPPROTO_UDP)});
    const auto server = serve(dns.netns.fd(), 53, "0.0.0.0", Transport::udp);
    EXPECT_EQ(ask(lan(), "192.0.2.1", 5353, Transport::udp), "192.0.2.9");
    EXPECT_EQ(ask(host(), "127.0.0.1", 5353, Transport::udp), "172.30.0.1");
}

// One client that keeps its socket, as a resolver does.
TEST_F(BridgePackets, busy_udp_client_follows_a_port_that_comes_and_goes) {
    Fd client;
    ASSERT_TRUE(lan_->netns.run([&]() -> Result<void> {
        client = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const timeval patience{0, 400'000};
        ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(5353);
        to.sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1
        if (::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
            return os_error("connect");
        return {};
    }));
    const auto asked = [&] {
        char answer[64];
        if (::send(client.get(), "?", 1, 0) != 1)
            ::send(client.get(), "?", 1, 0);  // the first tells of an old refusal
        return ::recv(client.get(), answer, sizeof answer, 0) > 0;
    };
    const auto held = serve(host(), 5353, "192.0.2.1", Transport::udp);
    ASSERT_TRUE(asked()) << "the host answers";
    const Container first = start("172.30.0.2/16", {port(5353, 53, "", IPPROTO_UDP)});
    auto counted = [&](const Container& container) {
        std::uint64_t packets = 0;
        EXPECT_TRUE(container.netns.run([&]() -> Result<void> {
            sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
            packets = TRY(sdk::find_link(socket, "eth0")).counters.rx_packets;
            return {};
        }));
        return packets;
    };
    const auto one = serve(first.netns.fd(), 53, "0.0.0.0", Transport::udp);
    const std::uint64_t before = counted(first);
    EXPECT_TRUE(asked());
    EXPECT_GT(counted(first), before) << "the container answers once the port is its own";
    ASSERT_TRUE(detach(first));
    const Container second = start("172.30.0.3/16", {port(5353, 53, "", IPPROTO_UDP)});
    const auto two = serve(second.netns.fd(), 53, "0.0.0.0", Transport::udp);
    EXPECT_TRUE(asked()) << "and the next one after it";
}

TEST_F(BridgePackets, port_published_at_loopback_is_for_the_host_alone) {
    const Container web = start("172.30.0.2/16", {port(8080, 80, "127.0.0.1")});
    const auto server = serve(web.netns.fd(), 80);
    EXPECT_EQ(ask(host(), "127.0.0.1", 8080), "172.30.0.1");
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "refused");
    ASSERT_TRUE(lan_->netns.run([]() -> Result<void> {
        return shell(
                   "ip route add 127.0.0.0/8 via 192.0.2.1 table 7 && ip rule add pref 1 to "
                   "127.0.0.1 table 7 && "
                   "ip rule del pref 0 && ip rule add pref 9 table local && sysctl -qw "
                   "net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.lan0.route_localnet=1")
                   ? Result<void>()
                   : fail(Code::internal, "prepare peer");
    }));
    EXPECT_EQ(ask_briefly(lan(), "127.0.0.1", 8080), "no answer");
}

TEST_F(BridgePackets, port_published_at_one_address_is_reached_there_alone) {
    const Container web = start("172.30.0.2/16", {port(8080, 80, "192.0.2.1")});
    const auto server = serve(web.netns.fd(), 80);
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_EQ(ask(host(), "127.0.0.1", 8080), "refused");
}

TEST_F(BridgePackets, containers_of_one_network_reach_each_other_and_themselves_by_the_host) {
    const Container one = start("172.30.0.2/16", {port(8080, 80)});
    const Container two = start("172.30.0.3/16");
    const auto server = serve(one.netns.fd(), 80);
    EXPECT_EQ(ask(two.netns.fd(), "172.30.0.2", 80), "172.30.0.3");
    EXPECT_EQ(ask(two.netns.fd(), "192.0.2.1", 8080), "172.30.0.1");
    EXPECT_EQ(ask(one.netns.fd(), "192.0.2.1", 8080), "172.30.0.1");
    EXPECT_EQ(ask(one.netns.fd(), "172.30.0.1", 8080), "172.30.0.1");
}

TEST_F(BridgePackets, networks_are_apart_but_for_published_ports) {
    ASSERT_TRUE(create({.key = "net-b", .gateway4 = "172.31.0.1/16"}));
    const Container one = start("172.30.0.2/16", {port(8080, 80)});
    const Container other = start("172.31.0.2/16", {}, "net-b", "172.31.0.1");
    const auto server = serve(one.netns.fd(), 80);
    EXPECT_EQ(ask_briefly(other.netns.fd(), "172.30.0.2", 80), "no answer");
    EXPECT_EQ(ask(other.netns.fd(), "192.0.2.1", 8080), "172.30.0.1");
}

TEST_F(BridgePackets, container_reaches_the_lan_with_the_hosts_address) {
    const Container one = start("172.30.0.2/16");
    const auto server = serve(lan(), 80);
    EXPECT_EQ(ask(one.netns.fd(), "192.0.2.9", 80), "192.0.2.1");
}

TEST_F(BridgePackets, lan_peer_with_a_route_reaches_no_port_directly) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto published = serve(web.netns.fd(), 80);
    const auto private_one = serve(web.netns.fd(), 81);
    ASSERT_TRUE(lan_->netns.run([]() -> Result<void> {
        return shell("ip route add 172.30.0.0/16 via 192.0.2.1")
                   ? Result<void>()
                   : fail(Code::internal, "add route");
    }));
    EXPECT_EQ(ask_briefly(lan(), "172.30.0.2", 81), "no answer");
    EXPECT_EQ(ask_briefly(lan(), "172.30.0.2", 80), "no answer");
}

TEST_F(BridgePackets, container_cannot_reach_services_of_the_hosts_loopback) {
    const Container one = start("172.30.0.2/16");
    const auto tcp = serve(host(), 631, "127.0.0.1");
    const auto udp = serve(host(), 631, "127.0.0.1", Transport::udp);
    ASSERT_TRUE(one.netns.run([]() -> Result<void> {
        return shell(
                   "ip route add 127.0.0.0/8 via 172.30.0.1 table 7 && ip rule add pref 1 to "
                   "127.0.0.1 table 7 && "
                   "ip rule del pref 0 && ip rule add pref 9 table local && sysctl -qw "
                   "net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.eth0.route_localnet=1")
                   ? Result<void>()
                   : fail(Code::internal, "prepare container");
    }));
    EXPECT_EQ(ask_briefly(one.netns.fd(), "127.0.0.1", 631), "no answer");
    EXPECT_EQ(ask_briefly(one.netns.fd(), "127.0.0.1", 631, Transport::udp), "no answer");
}

TEST_F(BridgePackets, connection_to_loopback_over_ipv6_is_refused_at_once) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto server = serve(web.netns.fd(), 80);
    EXPECT_EQ(ask(host(), "::1", 8080), "refused");
}

TEST_F(BridgePackets, network_of_both_families_publishes_in_both) {
    ASSERT_TRUE(
        create({.key = "net-six", .gateway4 = "172.31.0.1/16", .gateway6 = "fd00:6::1/64"}));
    ASSERT_TRUE(shell("ip addr add 2001:db8::1/64 dev lanlink0 nodad"));
    ASSERT_TRUE(lan_->netns.run([]() -> Result<void> {
        return shell("ip addr add 2001:db8::9/64 dev lan0 nodad")
                   ? Result<void>()
                   : fail(Code::internal, "add address");
    }));
    Container web{std::move(*NetNs::create()),
                  "net-six",
                  "six",
                  "",
                  {address("172.31.0.2/16"), address("fd00:6::2/64")},
                  {port(8080, 80)}};
    const auto attached = attach_to(web, "172.31.0.1", "fd00:6::1");
    ASSERT_TRUE(attached) << attached.error().what;
    const auto four = serve(web.netns.fd(), 80), six = serve(web.netns.fd(), 80, "fd00:6::2"),
               far = serve(lan(), 80, "2001:db8::9");
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_EQ(ask(lan(), "2001:db8::1", 8080), "2001:db8::9");
    EXPECT_EQ(ask(host(), "2001:db8::1", 8080), "2001:db8::1");
    EXPECT_EQ(ask(web.netns.fd(), "2001:db8::1", 8080), "fd00:6::1") << "hairpin";
    EXPECT_EQ(ask(web.netns.fd(), "2001:db8::9", 80), "2001:db8::1") << "masquerade";
    EXPECT_EQ(ask(host(), "::1", 8080), "refused");
    EXPECT_TRUE(check("net-six").empty());
}

TEST_F(BridgePackets, without_icc_containers_reach_only_what_is_published) {
    ASSERT_TRUE(create({.key = "net-b",
                        .gateway4 = "172.31.0.1/16",
                        .options = R"({"com.docker.network.bridge.enable_icc":"false"})"}));
    const Container one = start("172.31.0.2/16", {port(8080, 80)}, "net-b", "172.31.0.1");
    const Container two = start("172.31.0.3/16", {}, "net-b", "172.31.0.1");
    const auto server = serve(one.netns.fd(), 80);
    for (const char* passing : {"1", "0"}) {
        ASSERT_TRUE(shell(std::string("sysctl -qw net.bridge.bridge-nf-call-iptables=") + passing));
        EXPECT_NE(ask_briefly(two.netns.fd(), "172.31.0.2", 80), "172.31.0.3") << passing;
        EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9") << passing;
    }
    EXPECT_EQ(ask(two.netns.fd(), "192.0.2.1", 8080), "172.31.0.1");
}

TEST_F(BridgePackets, internal_network_is_left_and_entered_by_nothing) {
    ASSERT_TRUE(
        create({.key = "net-b", .gateway4 = "172.31.0.1/16", .flags = DAVIT_NETWORK_INTERNAL}));
    const Container one = start("172.31.0.2/16", {port(8080, 80)}, "net-b", "172.31.0.1");
    const Container two = start("172.31.0.3/16", {}, "net-b", "");
    const Container outside = start("172.30.0.2/16", {port(8081, 80)});
    const auto server = serve(one.netns.fd(), 80), far = serve(lan(), 80),
               other = serve(outside.netns.fd(), 80);
    EXPECT_EQ(ask(two.netns.fd(), "172.31.0.2", 80), "172.31.0.3");
    EXPECT_EQ(ask(host(), "172.31.0.2", 80), "172.31.0.1");
    EXPECT_EQ(ask_briefly(one.netns.fd(), "192.0.2.9", 80), "no answer");
    EXPECT_EQ(ask_briefly(one.netns.fd(), "172.30.0.2", 80), "no answer");
    EXPECT_EQ(ask_briefly(one.netns.fd(), "172.31.0.1", 8081), "no answer");
    EXPECT_EQ(ask_briefly(outside.netns.fd(), "172.31.0.2", 80), "no answer");
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "refused") << "it publishes nothing";
}

TEST_F(BridgePackets, hairpin_works_whether_bridged_frames_pass_netfilter_or_not) {
    const Container one = start("172.30.0.2/16", {port(8080, 80)});
    const Container two = start("172.30.0.3/16");
    const auto server = serve(one.netns.fd(), 80);
    for (const char* passing : {"0", "1"}) {
        ASSERT_TRUE(shell(std::string("sysctl -qw net.bridge.bridge-nf-call-iptables=") + passing));
        EXPECT_EQ(ask(one.netns.fd(), "192.0.2.1", 8080), "172.30.0.1") << passing;
        EXPECT_EQ(ask(two.netns.fd(), "192.0.2.1", 8080), "172.30.0.1") << passing;
        EXPECT_EQ(ask(two.netns.fd(), "172.30.0.2", 80), "172.30.0.3") << passing;
    }
}

}  // namespace
}  // namespace davit::bridge::test
