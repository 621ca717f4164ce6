// SPDX-License-Identifier: Apache-2.0
// Parents, settings, findings, recovery. What packets may do is in macvlan_packets_test.cpp.
#include "macvlan_fixture.hpp"

namespace davit::macvlan::test {
namespace {

class MacvlanTest : public MacvlanHost {
protected:
    // "" when it was created, else code and words.
    std::string refusal(const std::string& options, const std::string& key = "net-x",
                        std::uint32_t flags = 0) {
        const auto created = create(options, key, flags);
        if (created) return "";
        return std::string(code_name(created.error().code)) + ": " + created.error().what;
    }
    bool is_there(const std::string& link) const {
        const auto links = bench::links(host());
        return std::find(links.begin(), links.end(), link) != links.end();
    }
};

TEST_F(MacvlanTest, a_parent_must_be_there) {
    EXPECT_EQ(refusal(R"({"parent": "nolink0"})"),
              "not found: find parent nolink0: no such link on this host");
    EXPECT_TRUE(fabric().retain({}, {})->empty()) << "nothing is left";
}

TEST_F(MacvlanTest, a_vlan_is_made_or_refused_with_the_kernels_reason) {
    const std::string words = refusal(on_lan().replace(12, 8, "lanlink0.7"));
    if (words.empty()) {
        EXPECT_TRUE(is_there("lanlink0.7"));
        ASSERT_TRUE(fabric().remove("net-x"));
    } else {
        EXPECT_NE(words.find("make VLAN lanlink0.7"), std::string::npos) << words;
        EXPECT_NE(words.find("not supported"), std::string::npos) << words;
    }
    EXPECT_FALSE(is_there("lanlink0.7"));
    EXPECT_NE(refusal(R"({"parent": "nolink0.7"})").find("nolink0"), std::string::npos);
    EXPECT_EQ(refusal(R"({"parent": "lanlink0.4095"})"),
              "not found: find parent lanlink0.4095: no such link on this host");
}

TEST_F(MacvlanTest, a_link_with_a_dot_that_is_there_is_used_and_stays) {
    ASSERT_TRUE(shell(host(), "ip link add trunk.5 type veth peer name other0"));
    ASSERT_EQ(refusal(R"({"parent": "trunk.5"})"), "");
    ASSERT_TRUE(fabric().remove("net-x"));
    EXPECT_TRUE(is_there("trunk.5"));
}

TEST_F(MacvlanTest, what_cannot_be_promised_is_refused) {
    EXPECT_EQ(
        refusal(on_lan(), "net-x", DAVIT_NETWORK_INTERNAL),
        "invalid: create network: an internal network has no parent, since lanlink0 leads out "
        "of this host");
    EXPECT_EQ(refusal(on_lan(), "net-x", DAVIT_NETWORK_ICC_OFF).substr(0, 12), "unsupported:");
    EXPECT_EQ(refusal(on_lan(R"("mode": "source")")).substr(0, 8), "invalid:");
    EXPECT_EQ(refusal(on_lan(R"("mode": "vepa", "macvlan_mode": "private")")).substr(0, 8),
              "invalid:");
}

TEST_F(MacvlanTest, a_passthru_network_has_its_parent_alone) {
    ASSERT_TRUE(create(mode("passthru")));
    EXPECT_EQ(refusal(on_lan()).substr(0, 9), "conflict:");
    ASSERT_TRUE(fabric().remove("net-a"));
    ASSERT_TRUE(create(on_lan()));
    EXPECT_EQ(refusal(mode("passthru")).substr(0, 9), "conflict:");
}

TEST_F(MacvlanTest, the_same_options_are_the_same_network_whatever_else_changed) {
    ASSERT_TRUE(create("{}"));
    bench_.kill_and_reopen();
    const auto again = create("{}");
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(again->existed, 1u);
    EXPECT_TRUE(is_there(again->link));
    EXPECT_EQ(refusal(on_lan(), "net-a").substr(0, 7), "exists:");
}

TEST_F(MacvlanTest, a_parent_that_is_down_is_told_of_with_the_line_that_mends_it) {
    ASSERT_TRUE(create(on_lan()));
    ASSERT_TRUE(shell(host(), "ip link set lanlink0 down"));
    const auto refused = fabric().attach(sandbox(20));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    const auto findings = fabric().check("net-a");
    ASSERT_EQ(findings->size(), 1u);
    EXPECT_EQ(findings->front().text, "parent lanlink0 is down: ip link set lanlink0 up");
    EXPECT_FALSE(findings->front().repaired);
    ASSERT_TRUE(shell(host(), "ip link set lanlink0 up"));
    EXPECT_TRUE(fabric().check("net-a")->empty());
}

TEST_F(MacvlanTest, a_parent_of_its_own_is_mended_and_lost_links_are_told_of) {
    const auto created = create("{}");
    const Sandbox one = started(20);
    ASSERT_TRUE(shell(host(), std::string("ip link del ") + created->link));
    const auto findings = fabric().check("net-a");
    ASSERT_EQ(findings->size(), 2u);
    EXPECT_TRUE(findings->front().repaired) << findings->front().text;
    EXPECT_EQ(findings->back().text, "its link is gone: restart the container");
    ASSERT_TRUE(fabric().detach(one, true));
    EXPECT_TRUE(fabric().check("net-a")->empty());
    EXPECT_TRUE(fabric().attach(sandbox(21)));
}

TEST_F(MacvlanTest, the_host_gets_no_address_on_a_parent_of_its_own) {
    const auto created = create("{}");
    EXPECT_TRUE(shell(host(), std::string("test -z \"$(ip -br addr show ") + created->link +
                                  " | awk '{print $3}')\""));
}

TEST_F(MacvlanTest, an_address_is_free_as_soon_as_its_container_is_detached) {
    ASSERT_TRUE(create(on_lan()));
    const Sandbox old = started(20);  // lives on, as a sandbox that others have joined
    ASSERT_TRUE(fabric().detach(old, false));
    const Sandbox next = sandbox(20);
    const auto attached = fabric().attach(next);
    EXPECT_TRUE(attached) << attached.error().what;
}

TEST_F(MacvlanTest, a_mac_that_is_taken_is_refused_in_words) {
    ASSERT_TRUE(create(on_lan()));
    const Sandbox one = started(20);
    Sandbox two = sandbox(21);
    two.mac = {0x02, 0x42, 192, 0, 2, 20};
    const auto refused = fabric().attach(two);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::busy) << refused.error().what;
    EXPECT_NE(refused.error().what.find("same MAC"), std::string::npos) << refused.error().what;
    EXPECT_EQ(bench::links(two.netns.fd()), std::vector<std::string>{"lo"});
}

TEST_F(MacvlanTest, a_sandbox_that_took_the_number_of_one_that_is_gone_is_left_alone) {
    ASSERT_TRUE(create(on_lan()));
    { const Sandbox gone = started(20); }
    bench_.kill_and_reopen();
    const Sandbox other = started(21);
    const auto findings = fabric().retain({"net-a"}, {&other});
    ASSERT_TRUE(findings);
    EXPECT_EQ(findings->size(), 1u) << "the record of the first";
    const auto links = bench::links(other.netns.fd());
    EXPECT_NE(std::find(links.begin(), links.end(), "eth0"), links.end());
}

}  // namespace
}  // namespace davit::macvlan::test
