// SPDX-License-Identifier: Apache-2.0
// Objects and their life cycle. What packets may do is in bridge_packets_test.cpp, what a crash or
// another program leaves in bridge_recovery_test.cpp.
#include "bridge_fixture.hpp"
#include "sdk/endpoint/sysctl.hpp"

#include <filesystem>

namespace davit::bridge::test {
namespace {

class BridgeDriverTest : public BridgeHost {};

std::size_t entries_of(const std::string& directory) {
    const std::filesystem::directory_iterator all(directory);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST_F(BridgeDriverTest, attach_gives_the_sandbox_an_interface_that_works_at_once) {
    const auto created = create();
    ASSERT_TRUE(created) << created.error().what;
    EXPECT_EQ(created->existed, 0u);
    const Container one = start("172.30.0.2/16");
    EXPECT_EQ(one.interface, "eth0");
    const auto server = serve(one.netns.fd(), 80);
    EXPECT_EQ(ask(host(), "172.30.0.2", 80, sdk::Transport::tcp, std::chrono::milliseconds(700)),
              "172.30.0.1")
        << "a lost first packet costs a second";
    ASSERT_TRUE(detach(one));
}

TEST_F(BridgeDriverTest, attach_reports_mac_and_index_of_the_interface) {
    ASSERT_TRUE(create());
    Container one{std::move(*NetNs::create()), "net-a", "one", "", {address("172.30.1.9/16")}, {}};
    const auto attached = attach_to(one, "172.30.0.1");
    ASSERT_TRUE(attached) << attached.error().what;
    const std::vector<std::uint8_t> mac(std::begin(attached->mac), std::end(attached->mac));
    EXPECT_EQ(mac, (std::vector<std::uint8_t>{0x02, 0x42, 172, 30, 1, 9}));
    ASSERT_TRUE(one.netns.run([&]() -> Result<void> {
        sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
        const sdk::Link eth0 = TRY(sdk::find_link(socket, "eth0"));
        EXPECT_EQ(eth0.index, static_cast<int>(attached->index));
        EXPECT_EQ(eth0.mac, (sdk::Mac{0x02, 0x42, 172, 30, 1, 9}));
        EXPECT_TRUE(eth0.up);
        return {};
    }));
}

TEST_F(BridgeDriverTest, interfaces_of_one_sandbox_get_the_first_free_names) {
    ASSERT_TRUE(create());
    ASSERT_TRUE(create({.key = "net-b", .gateway4 = "172.31.0.1/16"}));
    Container one = start("172.30.0.2/16");
    Container second{NetNs(Fd(::dup(one.netns.fd()))), "net-b", "second", "",
                     {address("172.31.0.2/16")},       {}};
    ASSERT_TRUE(attach_to(second, ""));
    EXPECT_EQ(one.interface, "eth0");
    EXPECT_EQ(second.interface, "eth1");
}

TEST_F(BridgeDriverTest, create_network_again_with_the_same_settings_changes_nothing) {
    const auto first = create();
    ASSERT_TRUE(first);
    const auto again = create();
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(again->existed, 1u);
    EXPECT_STREQ(again->link, first->link);
    const auto other = create({.gateway4 = "172.29.0.1/16"});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Code::exists);
}

TEST_F(BridgeDriverTest, create_network_leaves_a_foreign_link_alone) {
    ASSERT_TRUE(shell("ip link add office type bridge"));
    const auto refused = create({.link = "office"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::exists);
    EXPECT_TRUE(shell("test -z \"$(ip -4 addr show dev office | grep inet)\""));
    const auto other_name =
        create({.key = "bridge", .flags = DAVIT_NETWORK_DEFAULT, .link = "office"});
    ASSERT_TRUE(other_name) << other_name.error().what;
    EXPECT_EQ(std::string(other_name->link).substr(0, 7), "dvb0123")
        << "the default network takes another name";
}

TEST_F(BridgeDriverTest, failed_create_network_leaves_nothing) {
    ASSERT_TRUE(shell("ip link add office type bridge"));
    EXPECT_FALSE(create({.link = "office"}));
    EXPECT_FALSE(create({.gateway4 = ""}));
    EXPECT_FALSE(create({.options = R"({"com.docker.network.driver.mtu":"many"})"}));
    EXPECT_FALSE(create({.options = R"({"com.docker.network.driver.mtu":"20"})"}))
        << "too small for IPv4";
    EXPECT_FALSE(
        create({.options = R"({"com.docker.network.bridge.gateway_mode_ipv4":"isolated"})"}));
    EXPECT_FALSE(create({.link = "a/b"}));
    EXPECT_FALSE(create({.link = "sixteen-letters-"}));
    EXPECT_FALSE(shell("ip -o link | grep -q dvb"));
    EXPECT_FALSE(shell("nft list tables | grep -q davit"));
    EXPECT_EQ(entries_of(directory_ + "/networks"), 0u);
}

TEST_F(BridgeDriverTest, remove_network_takes_link_rules_and_settings_away) {
    ASSERT_TRUE(create());
    ASSERT_TRUE(create({.key = "net-b", .gateway4 = "172.31.0.1/16"}));
    ASSERT_TRUE(remove("net-a"));
    EXPECT_TRUE(check("net-b").empty());
    ASSERT_TRUE(remove("net-b"));
    ASSERT_TRUE(remove("net-b")) << "unknown is OK";
    EXPECT_FALSE(shell("ip -o link | grep -q dvb"));
    EXPECT_FALSE(shell("nft list tables | grep -q davit"));
    EXPECT_EQ(entries_of(directory_ + "/networks"), 0u);
}

TEST_F(BridgeDriverTest, remove_network_is_refused_while_endpoints_are_attached) {
    ASSERT_TRUE(create());
    const Container one = start("172.30.0.2/16");
    const auto busy = remove("net-a");
    ASSERT_FALSE(busy);
    EXPECT_EQ(busy.error().code, Code::busy);
    ASSERT_TRUE(detach(one));
    EXPECT_TRUE(remove("net-a"));
}

TEST_F(BridgeDriverTest, attach_errors_leave_nothing) {
    Container stray{std::move(*NetNs::create()), "no-net", "one", "",
                    {address("172.30.0.2/16")},  {}};
    EXPECT_EQ(attach_to(stray, "172.30.0.1").error().code, Code::not_found);
    ASSERT_TRUE(create());
    Container one = start("172.30.0.2/16", {port(8080, 80)});
    EXPECT_EQ(attach_to(one, "172.30.0.1").error().code, Code::exists);
    Container lost{std::move(*NetNs::create()), "net-a",         "lost", "",
                   {address("172.30.0.3/16")},  {port(8081, 80)}};
    const auto no_route = attach_to(lost, "10.99.0.1");
    ASSERT_FALSE(no_route) << "the gateway is not in the subnet";
    EXPECT_NE(no_route.error().what.find("add default route by 10.99.0.1"), std::string::npos)
        << no_route.error().what;
    EXPECT_TRUE(shell("test $(ip -o link | grep -c dvv) = 1"));
    EXPECT_FALSE(shell("nft list table inet davit-0123abcd | grep -q 8081"));
    EXPECT_TRUE(attach_to(lost, "172.30.0.1")) << "the key is free again";
}

TEST_F(BridgeDriverTest, detach_is_idempotent_with_and_without_the_sandbox) {
    ASSERT_TRUE(create());
    const Container stays = start("172.30.0.2/16", {port(8080, 80)});
    const Container goes = start("172.30.0.3/16", {port(8081, 80)});
    ASSERT_TRUE(detach(stays));
    ASSERT_TRUE(detach(stays));
    ASSERT_TRUE(detach(goes, false));
    ASSERT_TRUE(detach(goes, false));
    EXPECT_FALSE(shell("nft list table inet davit-0123abcd | grep -qE '808[01]'"));
    driver_.reset();  // waits for the links to be gone
    EXPECT_FALSE(shell("ip -o link | grep -q dvv"));
}

TEST_F(BridgeDriverTest, endpoint_can_come_back_while_its_old_link_dies) {
    ASSERT_TRUE(create());
    Container one = start("172.30.0.2/16");
    ASSERT_TRUE(detach(one, false));
    Container again{std::move(*NetNs::create()), one.network, one.endpoint, "", one.addresses, {}};
    const auto attached = attach_to(again, "172.30.0.1");
    ASSERT_TRUE(attached) << attached.error().what;
    EXPECT_EQ(again.interface, "eth0");
}

TEST_F(BridgeDriverTest, stats_count_as_the_container_sees_them) {
    ASSERT_TRUE(create());
    const Container one = start("172.30.0.2/16");
    const auto server = serve(lan(), 80);
    ASSERT_EQ(ask(one.netns.fd(), "192.0.2.9", 80), "192.0.2.1");
    auto request = sdk::sized<davit_endpoint_key>();
    request.network = sdk::str("net-a");
    request.endpoint = sdk::str(one.endpoint);
    const auto stats = driver_->stats(call(), request);
    ASSERT_TRUE(stats) << stats.error().what;
    sdk::LinkCounters inside;
    ASSERT_TRUE(one.netns.run([&]() -> Result<void> {
        sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
        inside = TRY(sdk::find_link(socket, "eth0")).counters;
        return {};
    }));
    EXPECT_GT(stats->tx_packets, 3u);
    EXPECT_EQ(stats->tx_bytes, inside.tx_bytes);
    EXPECT_EQ(stats->rx_bytes, inside.rx_bytes);
    request.endpoint = sdk::str("nobody");
    EXPECT_EQ(driver_->stats(call(), request).error().code, Code::not_found);
}

TEST_F(BridgeDriverTest, R_45_no_link_heeds_router_advertisements_or_speaks_ipv6_unasked) {
    const auto created = create();
    ASSERT_TRUE(created);
    const Container one = start("172.30.0.2/16");
    const std::string bridge = std::string("ipv6/conf/") + created->link + "/";
    EXPECT_EQ(*sdk::read_sysctl(bridge + "accept_ra"), "0");
    EXPECT_EQ(*sdk::read_sysctl(bridge + "disable_ipv6"), "1");
    EXPECT_FALSE(shell("ip -6 -o addr | grep -qE 'dvb|dvv'"));
    ASSERT_TRUE(one.netns.run([]() -> Result<void> {
        EXPECT_EQ(*sdk::read_sysctl("ipv6/conf/eth0/disable_ipv6"), "1");
        return {};
    }));
}

TEST_F(BridgeDriverTest, sysctls_of_the_interface_are_set_before_it_is_up) {
    ASSERT_TRUE(create());
    Container one{std::move(*NetNs::create()), "net-a", "one", "", {address("172.30.0.2/16")}, {}};
    auto request = sdk::sized<davit_endpoint_attach>();
    request.netns_fd = one.netns.fd();
    request.network = sdk::str("net-a");
    request.endpoint = sdk::str("one");
    request.addresses = one.addresses.data();
    request.address_count = 1;
    davit_kv sysctl{sdk::str("net.ipv4.conf.IFNAME.log_martians"), sdk::str("1")};
    request.sysctls = &sysctl;
    request.sysctl_count = 1;
    const auto attached = driver_->attach(call(), request);
    ASSERT_TRUE(attached) << attached.error().what;
    ASSERT_TRUE(one.netns.run([]() -> Result<void> {
        EXPECT_EQ(*sdk::read_sysctl("ipv4/conf/eth0/log_martians"), "1");
        return {};
    }));
    request.endpoint = sdk::str("two");
    for (const char* bad : {"net.ipv4.ip_forward", "kernel.core_pattern", "net.IFNAME.../../x",
                            "net.ipv4.conf.all.IFNAME"}) {
        sysctl.key = davit_str{bad, std::char_traits<char>::length(bad)};
        EXPECT_EQ(driver_->attach(call(), request).error().code, Code::invalid) << bad;
    }
}

TEST_F(BridgeDriverTest, a_thousand_ports_go_and_come_in_one_transaction_each) {
    ASSERT_TRUE(create());
    std::vector<davit_port> ports;
    for (std::uint16_t i = 0; i < 1000; ++i)
        ports.push_back(port(static_cast<std::uint16_t>(10000 + i), 80));
    const Container web = start("172.30.0.2/16", ports);
    const auto server = serve(web.netns.fd(), 80);
    EXPECT_EQ(ask(lan(), "192.0.2.1", 10000), "192.0.2.9");
    EXPECT_EQ(ask(lan(), "192.0.2.1", 10999), "192.0.2.9");
    EXPECT_TRUE(check().empty());
    ASSERT_TRUE(detach(web));
    EXPECT_EQ(ask(lan(), "192.0.2.1", 10000), "refused");
    EXPECT_TRUE(check().empty());
}

TEST_F(BridgeDriverTest, two_hundred_endpoints_leave_no_descriptor_thread_or_link) {
    ASSERT_TRUE(create());
    ASSERT_TRUE(
        detach(start("172.30.1.1/16", {port(7999, 80)})));  // so that what comes once is there
    const std::size_t descriptors = entries_of("/proc/self/fd"),
                      threads = entries_of("/proc/self/task");
    {
        std::vector<Container> all;
        for (int i = 0; i < 200; ++i)
            all.push_back(start("172.30.2." + std::to_string(i + 2) + "/16",
                                {port(static_cast<std::uint16_t>(8000 + i), 80)}));
        const auto server = serve(all.back().netns.fd(), 80);
        EXPECT_EQ(ask(lan(), "192.0.2.1", 8199), "192.0.2.9");
        EXPECT_EQ(ask(all.front().netns.fd(), "172.30.2.201", 80), "172.30.2.2");
        EXPECT_TRUE(check().empty());
        for (std::size_t i = 0; i < all.size(); ++i) ASSERT_TRUE(detach(all[i], i % 2 == 0));
    }
    // The thread that removes links may hold a socket for as long as it works.
    for (int tries = 0; tries < 500 && entries_of("/proc/self/fd") != descriptors; ++tries)
        ::usleep(10'000);
    EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
    EXPECT_EQ(entries_of("/proc/self/task"), threads);
    EXPECT_TRUE(check().empty());
    driver_.reset();
    EXPECT_FALSE(shell("ip -o link | grep -q dvv"));
}

TEST_F(BridgeDriverTest, mtu_of_the_network_holds_for_its_endpoints) {
    ASSERT_TRUE(create({.options = R"({"com.docker.network.driver.mtu":"1400"})"}));
    const Container one = start("172.30.0.2/16");
    ASSERT_TRUE(one.netns.run([]() -> Result<void> {
        sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
        EXPECT_EQ(TRY(sdk::find_link(socket, "eth0")).mtu, 1400u);
        return {};
    }));
}

}  // namespace
}  // namespace davit::bridge::test
