// SPDX-License-Identifier: Apache-2.0
// After kill -9 of the daemon, after a firewall was flushed, beside another firewall.
#include "bridge_fixture.hpp"

#include <algorithm>

namespace davit::bridge::test {
namespace {

class BridgeRecovery : public BridgeHost {
protected:
    void SetUp() override {
        BridgeHost::SetUp();
        if (HasFatalFailure()) return;
        ASSERT_TRUE(create());
    }
    static bool mentions(const std::vector<Finding>& findings, const std::string& words) {
        return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
            return finding.text.find(words) != std::string::npos;
        });
    }
};

TEST_F(BridgeRecovery, containers_do_not_notice_a_crash) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto server = serve(web.netns.fd(), 80);
    reopen();
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_TRUE(retain({"net-a"}, {&web}).empty()) << "nothing was wrong, so nothing is found";
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    ASSERT_TRUE(detach(web));
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "refused");
    EXPECT_TRUE(remove("net-a"));
}

TEST_F(BridgeRecovery, a_new_container_does_not_disturb_the_others_before_retain) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto server = serve(web.netns.fd(), 80);
    reopen();
    const Container next = start("172.30.0.3/16", {port(8081, 80)});
    const auto second = serve(next.netns.fd(), 80);
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8081), "192.0.2.9");
}

TEST_F(BridgeRecovery, retain_removes_what_is_not_listed_and_keeps_the_rest) {
    ASSERT_TRUE(create({.key = "net-b", .gateway4 = "172.31.0.1/16"}));
    const Container kept = start("172.30.0.2/16", {port(8080, 80)});
    const Container dead = start("172.30.0.3/16", {port(8081, 80)});
    const Container other = start("172.31.0.2/16", {port(8082, 80)}, "net-b", "172.31.0.1");
    const auto server = serve(kept.netns.fd(), 80);
    reopen();
    const auto findings = retain({"net-a"}, {&kept});
    EXPECT_TRUE(mentions(findings, "network was not in use any more"));
    EXPECT_TRUE(mentions(findings, "endpoint was not in use any more"));
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8081), "refused");
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8082), "refused");
    driver_.reset();
    EXPECT_TRUE(shell("test $(ip -o link | grep -c dvv) = 1"));
    EXPECT_TRUE(shell("test $(ip -o link | grep -c dvb) = 2"))
        << "one bridge, one port that names it";
}

TEST_F(BridgeRecovery, retain_puts_back_what_went_with_a_reboot) {
    ASSERT_TRUE(
        shell("nft flush ruleset && ip link del $(ip -o link | grep -o 'dvb[0-9a-f]*' | head -1)"));
    reopen();
    EXPECT_TRUE(mentions(retain({"net-a"}, {}), "it was not there"));
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto server = serve(web.netns.fd(), 80);
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
}

TEST_F(BridgeRecovery, retain_names_live_endpoints_whose_link_is_gone) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    ASSERT_TRUE(shell("ip link del $(ip -o link | grep -o 'dvv[0-9a-f]*' | head -1)"));
    reopen();
    const auto findings = retain({"net-a"}, {&web});
    EXPECT_TRUE(mentions(findings, "its link is gone: restart the container"));
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "refused");
}

TEST_F(BridgeRecovery, retain_leaves_another_engines_objects_alone) {
    ASSERT_TRUE(
        shell("ip link add dvbffff00000001 type bridge && ip link set dvbffff00000001 alias "
              "davit/ffff0000/network/x && "
              "nft add table inet davit-ffff0000"));
    reopen();
    EXPECT_TRUE(retain({"net-a"}, {}).empty());
    EXPECT_TRUE(
        shell("ip link show dvbffff00000001 >/dev/null && nft list table inet davit-ffff0000 "
              ">/dev/null"));
}

TEST_F(BridgeRecovery, R_57_flushed_rules_are_found_and_put_back) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto server = serve(web.netns.fd(), 80);
    ASSERT_TRUE(shell("nft flush ruleset"));
    ASSERT_EQ(ask(lan(), "192.0.2.1", 8080), "refused");
    const auto findings = check();
    EXPECT_TRUE(mentions(findings, "table inet davit-0123abcd was removed"));
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_TRUE(check().empty());
}

TEST_F(BridgeRecovery, R_57_single_changes_of_the_rules_are_found_and_put_back) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    for (
        const char* damage :
        {"nft flush chain inet davit-0123abcd forward", "nft flush set inet davit-0123abcd bridges",
         "nft flush map inet davit-0123abcd ports4", "nft flush set inet davit-0123abcd subnets4",
         "nft insert rule inet davit-0123abcd forward accept",
         "nft delete element inet davit-0123abcd intra '{ \"'$(ip -o link | grep -o 'dvb[0-9a-f]*' "
         "| head -1)'\" . \"'$(ip -o link | grep -o 'dvb[0-9a-f]*' | head -1)'\" }'"}) {
        ASSERT_TRUE(shell(damage)) << damage;
        EXPECT_TRUE(mentions(check(), "changed")) << damage;
        EXPECT_TRUE(check().empty()) << damage;
    }
}

TEST_F(BridgeRecovery, attach_after_a_flush_puts_everything_back) {
    const Container web = start("172.30.0.2/16", {port(8080, 80)});
    const auto server = serve(web.netns.fd(), 80);
    ASSERT_TRUE(shell("nft flush ruleset"));
    const Container next = start("172.30.0.3/16", {port(8081, 80)});
    EXPECT_EQ(ask(lan(), "192.0.2.1", 8080), "192.0.2.9");
    EXPECT_TRUE(check().empty());
}

TEST_F(BridgeRecovery, check_mends_the_bridge) {
    const std::string name = "$(ip -o link | grep -o 'dvb[0-9a-f]*' | head -1)";
    for (const std::string& damage :
         std::vector<std::string>{"ip link set " + name + " down", "ip addr flush dev " + name,
                                  "sysctl -qw net.ipv4.conf." + name + ".route_localnet=0",
                                  "sysctl -qw net.ipv4.ip_forward=0"}) {
        ASSERT_TRUE(shell(damage));
        const auto findings = check();
        EXPECT_EQ(findings.size(), 1u) << damage;
        EXPECT_TRUE(findings.empty() || findings.front().repaired) << damage;
        EXPECT_TRUE(check().empty()) << damage;
    }
}

TEST_F(BridgeRecovery, another_firewalls_dropping_policy_is_named_with_the_lines_that_mend_it) {
    const Container one = start("172.30.0.2/16");
    const auto server = serve(lan(), 80);
    ASSERT_TRUE(
        shell("nft add table ip filter && nft add chain ip filter FORWARD '{ type filter hook "
              "forward priority 0; policy drop; }'"));
    ASSERT_EQ(ask_briefly(one.netns.fd(), "192.0.2.9", 80), "no answer");
    const auto findings = check();
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_FALSE(findings.front().repaired);
    EXPECT_TRUE(mentions(findings, "chain FORWARD of table ip filter drops forwarded packets"));
    const std::string& text = findings.front().text;
    ASSERT_NE(text.find("nft insert"), std::string::npos);
    ASSERT_TRUE(shell(text.substr(text.find("nft insert")))) << "the lines work as printed";
    EXPECT_EQ(ask(one.netns.fd(), "192.0.2.9", 80), "192.0.2.1");
    EXPECT_TRUE(check().empty()) << "mended";
}

}  // namespace
}  // namespace davit::bridge::test
