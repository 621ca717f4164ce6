// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/rule.hpp"

#include <netlink/addr.h>
#include <netlink/route/rule.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <memory>

namespace davit::sdk {
namespace {

struct PutRule {
    void operator()(rtnl_rule* rule) const { rtnl_rule_put(rule); }
};
using RuleObject = std::unique_ptr<rtnl_rule, PutRule>;

void set_prefix(rtnl_rule* rule, const Prefix& prefix, int (*set)(rtnl_rule*, nl_addr*)) {
    if (prefix.family == 0) return;
    const int family = prefix.family == 4 ? AF_INET : AF_INET6;
    const Prefix network = prefix.network();
    nl_addr* address = nl_addr_build(family, network.bytes.data(), network.width());
    nl_addr_set_prefixlen(address, network.length);
    set(rule, address);
    nl_addr_put(address);
}

RuleObject object_of(const RoutingRule& rule) {
    RuleObject object(rtnl_rule_alloc());
    const bool is_six = rule.from.family == 6 || rule.to.family == 6;
    rtnl_rule_set_family(object.get(), is_six ? AF_INET6 : AF_INET);
    rtnl_rule_set_action(object.get(), FR_ACT_TO_TBL);
    rtnl_rule_set_table(object.get(), rule.table);
    rtnl_rule_set_prio(object.get(), rule.priority);
    set_prefix(object.get(), rule.from, &rtnl_rule_set_src);
    set_prefix(object.get(), rule.to, &rtnl_rule_set_dst);
    return object;
}

std::string words_of(const RoutingRule& rule) {
    std::string words = "routing rule";
    if (rule.from.family != 0) words += " from " + prefix_text(rule.from.network());
    if (rule.to.family != 0) words += " to " + prefix_text(rule.to.network());
    return words;
}

}  // namespace

void queue_rule(RouteSocket& socket, const RoutingRule& rule) {
    nl_msg* message = nullptr;
    rtnl_rule_build_add_request(object_of(rule).get(), NLM_F_CREATE | NLM_F_EXCL, &message);
    socket.queue(message, "add " + words_of(rule));
}

void queue_rule_removal(RouteSocket& socket, const RoutingRule& rule) {
    nl_msg* message = nullptr;
    rtnl_rule_build_delete_request(object_of(rule).get(), 0, &message);
    socket.queue(message, "remove " + words_of(rule));
}

}  // namespace davit::sdk
