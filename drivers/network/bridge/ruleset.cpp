// SPDX-License-Identifier: Apache-2.0
#include "ruleset.hpp"

#include <linux/netfilter_ipv4.h>

namespace davit::bridge {
namespace {

using sdk::IpFamily;
using sdk::NftRule;
using sdk::NftType;
constexpr auto kNotIn = NftRule::Match::not_in;

constexpr const char* kRaw = "raw-prerouting";
constexpr const char* kPrerouting = "prerouting";
constexpr const char* kOutput = "output";
constexpr const char* kPostrouting = "postrouting";
constexpr const char* kForward = "forward";

void put(std::vector<NftRule>& rules, NftRule& rule) { rules.push_back(std::move(rule)); }

// Published ports. A mapping of one host address wins over one of all addresses.
void add_translation(std::vector<NftRule>& rules, const std::string& table, const char* chain) {
    const auto rule = [&](const char* why) { return NftRule(table, chain, why); };
    put(rules, rule("published at one address")
                   .family(IpFamily::v4)
                   .translate_by_address(kPortsAt4, IpFamily::v4));
    put(rules, rule("published at every address")
                   .family(IpFamily::v4)
                   .destination_is_host()
                   .translate_by_port(kPorts4, IpFamily::v4));
    put(rules, rule("published at one address")
                   .family(IpFamily::v6)
                   .translate_by_address(kPortsAt6, IpFamily::v6));
    put(rules, rule("published at every address")
                   .family(IpFamily::v6)
                   .destination_is_host()
                   .translate_by_port(kPorts6, IpFamily::v6));
}

// route_localnet on the bridges lets translated connections of 127.0.0.1 through; these two keep
// containers from using it, as sender or as destination.
void add_raw(std::vector<NftRule>& rules, const std::string& table) {
    const auto rule = [&](const char* why) { return NftRule(table, kRaw, why); };
    put(rules, rule("the host's loopback is not for containers")
                   .from_link(kBridges)
                   .destination_loopback(IpFamily::v4)
                   .drop());
    put(rules, rule("nobody is the host's loopback but the host")
                   .from_link(kBridges)
                   .source_loopback(IpFamily::v4)
                   .drop());
}

void add_nat(std::vector<NftRule>& rules, const std::string& table) {
    const auto rule = [&](const char* chain, const char* why) {
        return NftRule(table, chain, why);
    };
    // A neighbour on the wire may send to 127.0.0.1; what is published there is for the host alone.
    put(rules, rule(kPrerouting, "loopback is not for the wire")
                   .destination_loopback(IpFamily::v4)
                   .accept());
    add_translation(rules, table, kPrerouting);
    // Translated, a connection of ::1 would hang: no route leads from ::1 to a bridge. So it is
    // refused at once.
    put(rules, rule(kOutput, "::1 is refused, not left hanging")
                   .destination_loopback(IpFamily::v6)
                   .accept());
    add_translation(rules, table, kOutput);

    put(rules, rule(kPostrouting, "the host by 127.0.0.0/8 to a container")
                   .to_link(kBridges)
                   .source_loopback(IpFamily::v4)
                   .masquerade());
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
        const char* subnets = family == IpFamily::v4 ? kSubnets4 : kSubnets6;
        const char* leaving = family == IpFamily::v4 ? kMasquerade4 : kMasquerade6;
        put(rules, rule(kPostrouting, "container by a published port to a container")
                       .to_link(kBridges)
                       .source_in(subnets, family)
                       .translated()
                       .masquerade());
        put(rules, rule(kPostrouting, "container to the world")
                       .to_link(kBridges, kNotIn)
                       .source_in(leaving, family)
                       .masquerade());
    }
}

// Nothing enters a bridge but answers, published ports and, where allowed, its own containers'
// packets.
void add_forward(std::vector<NftRule>& rules, const std::string& table) {
    const auto rule = [&](const char* why) { return NftRule(table, kForward, why); };
    put(rules, rule("not ours").from_link(kBridges, kNotIn).to_link(kBridges, kNotIn).accept());
    put(rules, rule("containers of one network").link_pair(kIntra).accept());
    put(rules, rule("nothing leaves an internal network").from_link(kInternal).drop());
    put(rules, rule("nothing enters an internal network").to_link(kInternal).drop());
    put(rules, rule("answers").established().accept());
    put(rules, rule("published ports").translated().accept());
    put(rules,
        rule("networks without protection").to_link(kOpen).from_link(kBridges, kNotIn).accept());
    put(rules, rule("nothing else enters a network").to_link(kBridges).drop());
}

}  // namespace

const std::vector<sdk::NftSet>& all_sets() {
    static const std::vector<sdk::NftSet> sets = {
        {kBridges, {NftType::ifname}, {}, false},
        {kIntra, {NftType::ifname, NftType::ifname}, {}, false},
        {kInternal, {NftType::ifname}, {}, false},
        {kOpen, {NftType::ifname}, {}, false},
        {kSubnets4, {NftType::ipv4_addr}, {}, true},
        {kSubnets6, {NftType::ipv6_addr}, {}, true},
        {kMasquerade4, {NftType::ipv4_addr}, {}, true},
        {kMasquerade6, {NftType::ipv6_addr}, {}, true},
        {kPorts4,
         {NftType::inet_proto, NftType::inet_service},
         {NftType::ipv4_addr, NftType::inet_service},
         false},
        {kPorts6,
         {NftType::inet_proto, NftType::inet_service},
         {NftType::ipv6_addr, NftType::inet_service},
         false},
        {kPortsAt4,
         {NftType::inet_proto, NftType::ipv4_addr, NftType::inet_service},
         {NftType::ipv4_addr, NftType::inet_service},
         false},
        {kPortsAt6,
         {NftType::inet_proto, NftType::ipv6_addr, NftType::inet_service},
         {NftType::ipv6_addr, NftType::inet_service},
         false},
    };
    return sets;
}

const std::vector<sdk::NftChain>& all_chains() {
    using sdk::NftChainType;
    using sdk::NftHook;
    static const std::vector<sdk::NftChain> chains = {
        {kRaw, NftChainType::filter, NftHook::prerouting, NF_IP_PRI_RAW},
        {kPrerouting, NftChainType::nat, NftHook::prerouting, NF_IP_PRI_NAT_DST},
        {kOutput, NftChainType::nat, NftHook::output, NF_IP_PRI_NAT_DST},
        {kPostrouting, NftChainType::nat, NftHook::postrouting, NF_IP_PRI_NAT_SRC},
        {kForward, NftChainType::filter, NftHook::forward, NF_IP_PRI_FILTER},
    };
    return chains;
}

std::vector<sdk::NftRule> all_rules(const std::string& table) {
    std::vector<NftRule> rules;
    add_raw(rules, table);
    add_nat(rules, table);
    add_forward(rules, table);
    return rules;
}

}  // namespace davit::bridge
