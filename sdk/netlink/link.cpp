// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/link.hpp"

#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/route/link.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/link/vlan.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <cstring>
#include <memory>

namespace davit::sdk {
namespace {

struct PutLink {
    void operator()(rtnl_link* link) const { rtnl_link_put(link); }
};
using LinkObject = std::unique_ptr<rtnl_link, PutLink>;

struct FreeCache {
    void operator()(nl_cache* cache) const { nl_cache_free(cache); }
};

void set_mac(rtnl_link* link, const Mac& mac) {
    if (mac == Mac{}) return;
    nl_addr* address = nl_addr_build(AF_LLC, mac.data(), mac.size());
    rtnl_link_set_addr(link, address);
    nl_addr_put(address);
}

LinkCounters counters_of(rtnl_link* link) {
    return {.rx_bytes = rtnl_link_get_stat(link, RTNL_LINK_RX_BYTES),
            .rx_packets = rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS),
            .rx_errors = rtnl_link_get_stat(link, RTNL_LINK_RX_ERRORS),
            .rx_dropped = rtnl_link_get_stat(link, RTNL_LINK_RX_DROPPED),
            .tx_bytes = rtnl_link_get_stat(link, RTNL_LINK_TX_BYTES),
            .tx_packets = rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS),
            .tx_errors = rtnl_link_get_stat(link, RTNL_LINK_TX_ERRORS),
            .tx_dropped = rtnl_link_get_stat(link, RTNL_LINK_TX_DROPPED)};
}

std::string text_or_empty(const char* text) {
    return text == nullptr ? std::string() : std::string(text);
}

Link read_link(rtnl_link* object) {
    Link link;
    link.index = rtnl_link_get_ifindex(object);
    link.name = text_or_empty(rtnl_link_get_name(object));
    link.kind = text_or_empty(rtnl_link_get_type(object));
    link.alias = text_or_empty(rtnl_link_get_ifalias(object));
    link.master = rtnl_link_get_master(object);
    link.parent = rtnl_link_get_link(object);
    link.up = (rtnl_link_get_flags(object) & IFF_UP) != 0;
    link.running = rtnl_link_get_operstate(object) == IF_OPER_UP;
    link.mtu = rtnl_link_get_mtu(object);
    if (const nl_addr* mac = rtnl_link_get_addr(object);
        mac != nullptr && nl_addr_get_len(mac) == link.mac.size())
        std::memcpy(link.mac.data(), nl_addr_get_binary_addr(mac), link.mac.size());
    link.counters = counters_of(object);
    return link;
}

void queue_new(RouteSocket& socket, rtnl_link* link, std::string doing) {
    nl_msg* message = nullptr;
    rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &message);
    socket.queue(message, std::move(doing));
}

// A message that changes the existing link `name` or, if that is empty, `index`.
nl_msg* change_message(const std::string& name, ifinfomsg fixed) {
    nl_msg* message = nlmsg_alloc_simple(RTM_NEWLINK, 0);
    if (message == nullptr) return nullptr;
    int failed = nlmsg_append(message, &fixed, sizeof fixed, NLMSG_ALIGNTO);
    if (!name.empty()) failed |= nla_put_string(message, IFLA_IFNAME, name.c_str());
    if (failed == 0) return message;
    nlmsg_free(message);
    return nullptr;
}

struct FreeMessage {
    void operator()(nl_msg* message) const { nlmsg_free(message); }
};
struct PutCallbacks {
    void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

void add_link(nl_object* object, void* links) {
    static_cast<std::vector<Link>*>(links)->push_back(
        read_link(reinterpret_cast<rtnl_link*>(object)));
}
int on_link(nl_msg* message, void* links) {
    nl_msg_parse(message, &add_link, links);
    return NL_OK;
}
int any_sequence(nl_msg*, void*) { return NL_OK; }  // RouteSocket reads answers without libnl

std::uint32_t macvlan_mode(MacvlanMode mode) {
    switch (mode) {
        case MacvlanMode::bridge: return MACVLAN_MODE_BRIDGE;
        case MacvlanMode::vepa: return MACVLAN_MODE_VEPA;
        case MacvlanMode::private_: return MACVLAN_MODE_PRIVATE;
        case MacvlanMode::passthru: break;
    }
    return MACVLAN_MODE_PASSTHRU;
}

}  // namespace

Result<Link> find_link(RouteSocket& socket, const std::string& name) {
    rtnl_link* found = nullptr;
    const int error = rtnl_link_get_kernel(socket.raw(), 0, name.c_str(), &found);
    if (error == -NLE_OBJ_NOTFOUND || error == -NLE_NODEV)
        return fail(Code::not_found, "find link ", name, ": no such link");
    if (error < 0) return fail(Code::internal, "find link ", name, ": ", nl_geterror(error));
    return read_link(LinkObject(found).get());
}

Result<std::vector<Link>> list_links(RouteSocket& socket) {
    nl_cache* filled = nullptr;
    if (const int error = rtnl_link_alloc_cache(socket.raw(), AF_UNSPEC, &filled); error < 0)
        return fail(Code::internal, "list links: ", nl_geterror(error));
    const std::unique_ptr<nl_cache, FreeCache> cache(filled);
    std::vector<Link> links;
    for (nl_object* at = nl_cache_get_first(filled); at != nullptr; at = nl_cache_get_next(at))
        links.push_back(read_link(reinterpret_cast<rtnl_link*>(at)));
    return links;
}

Result<std::vector<Link>> list_links(RouteSocket& socket, const std::string& alias_beginning) {
    auto links = TRY(list_links(socket));
    std::erase_if(links,
                  [&](const Link& link) { return !link.alias.starts_with(alias_beginning); });
    return links;
}

// libnl has no word for another namespace in a question, so this one is put together here.
Result<std::vector<Link>> list_links(RouteSocket& socket, int namespace_id) {
    const std::string doing = "list links of namespace " + std::to_string(namespace_id);
    const std::unique_ptr<nl_msg, FreeMessage> message(nlmsg_alloc_simple(RTM_GETLINK, NLM_F_DUMP));
    const std::unique_ptr<nl_cb, PutCallbacks> callbacks(nl_cb_alloc(NL_CB_DEFAULT));
    const ifinfomsg fixed{};
    if (!message || !callbacks ||
        nlmsg_append(message.get(), const_cast<ifinfomsg*>(&fixed), sizeof fixed, NLMSG_ALIGNTO) !=
            0 ||
        nla_put_s32(message.get(), IFLA_TARGET_NETNSID, namespace_id) != 0)
        return fail(Code::internal, doing, ": out of memory");
    std::vector<Link> links;
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, &on_link, &links);
    nl_cb_set(callbacks.get(), NL_CB_SEQ_CHECK, NL_CB_CUSTOM, &any_sequence, nullptr);
    int error = nl_send_auto(socket.raw(), message.get());
    if (error >= 0) error = nl_recvmsgs(socket.raw(), callbacks.get());
    if (error == -NLE_INVAL) return fail(Code::not_found, doing, ": no such namespace");
    if (error < 0) return fail(Code::internal, doing, ": ", nl_geterror(error));
    return links;
}

void queue_bridge(RouteSocket& socket, const BridgeSpec& spec) {
    const LinkObject link(rtnl_link_alloc());
    rtnl_link_set_type(link.get(), "bridge");
    rtnl_link_set_name(link.get(), spec.name.c_str());
    set_mac(link.get(), spec.mac);
    if (spec.mtu != 0) rtnl_link_set_mtu(link.get(), spec.mtu);
    queue_new(socket, link.get(), "create bridge " + spec.name);
}

void queue_veth(RouteSocket& socket, const VethSpec& spec) {
    const LinkObject link(rtnl_link_veth_alloc());
    const LinkObject peer(rtnl_link_veth_get_peer(link.get()));
    rtnl_link_set_name(link.get(), spec.name.c_str());
    rtnl_link_set_flags(link.get(), IFF_UP);
    if (spec.master != 0) rtnl_link_set_master(link.get(), spec.master);
    rtnl_link_set_name(peer.get(), spec.peer_name.c_str());
    set_mac(peer.get(), spec.peer_mac);
    if (spec.peer_netns >= 0) rtnl_link_set_ns_fd(peer.get(), spec.peer_netns);
    if (spec.mtu != 0) {
        rtnl_link_set_mtu(link.get(), spec.mtu);
        rtnl_link_set_mtu(peer.get(), spec.mtu);
    }
    queue_new(socket, link.get(), "create link " + spec.name);
}

void queue_macvlan(RouteSocket& socket, const MacvlanSpec& spec) {
    const LinkObject link(rtnl_link_macvlan_alloc());
    rtnl_link_set_name(link.get(), spec.name.c_str());
    rtnl_link_set_link(link.get(), spec.parent);
    rtnl_link_macvlan_set_mode(link.get(), macvlan_mode(spec.mode));
    set_mac(link.get(), spec.mac);
    if (spec.netns >= 0) rtnl_link_set_ns_fd(link.get(), spec.netns);
    if (spec.mtu != 0) rtnl_link_set_mtu(link.get(), spec.mtu);
    queue_new(socket, link.get(), "create link " + spec.name);
}

void queue_vlan(RouteSocket& socket, const VlanSpec& spec) {
    const LinkObject link(rtnl_link_vlan_alloc());
    rtnl_link_set_name(link.get(), spec.name.c_str());
    rtnl_link_set_link(link.get(), spec.parent);
    rtnl_link_vlan_set_id(link.get(), spec.id);
    rtnl_link_set_flags(link.get(), IFF_UP);
    queue_new(socket, link.get(), "create link " + spec.name);
}

void queue_simple_link(RouteSocket& socket, const std::string& kind, const std::string& name,
                       unsigned mtu) {
    const LinkObject link(rtnl_link_alloc());
    rtnl_link_set_type(link.get(), kind.c_str());
    rtnl_link_set_name(link.get(), name.c_str());
    rtnl_link_set_flags(link.get(), IFF_UP);
    if (mtu != 0) rtnl_link_set_mtu(link.get(), mtu);
    queue_new(socket, link.get(), "create link " + name);
}

// libnl 3.7 knows neither `isolated` nor port settings by the link's name, so this message is put
// together here.
void queue_port(RouteSocket& socket, const PortSpec& spec) {
    nl_msg* message = change_message(spec.name, ifinfomsg{});
    if (message != nullptr) {
        if (!spec.alias.empty()) nla_put_string(message, IFLA_IFALIAS, spec.alias.c_str());
        nlattr* info = nla_nest_start(message, IFLA_LINKINFO);
        nla_put_string(message, IFLA_INFO_SLAVE_KIND, "bridge");
        nlattr* port = nla_nest_start(message, IFLA_INFO_SLAVE_DATA);
        nla_put_u8(message, IFLA_BRPORT_MODE, spec.hairpin ? 1 : 0);
        nla_put_u8(message, IFLA_BRPORT_ISOLATED, spec.isolated ? 1 : 0);
        nla_nest_end(message, port);
        nla_nest_end(message, info);
    }
    socket.queue(message, "set up bridge port " + spec.name);
}

void queue_link_up(RouteSocket& socket, int index) {
    ifinfomsg fixed{};
    fixed.ifi_index = index;
    fixed.ifi_flags = IFF_UP;
    fixed.ifi_change = IFF_UP;
    socket.queue(change_message({}, fixed), "set link up");
}

void queue_link_alias(RouteSocket& socket, const std::string& name, const std::string& alias) {
    nl_msg* message = change_message(name, ifinfomsg{});
    if (message != nullptr) nla_put_string(message, IFLA_IFALIAS, alias.c_str());
    socket.queue(message, "set alias of link " + name);
}

void queue_link_mac(RouteSocket& socket, int index, const Mac& mac) {
    ifinfomsg fixed{};
    fixed.ifi_index = index;
    nl_msg* message = change_message({}, fixed);
    if (message != nullptr)
        nla_put(message, IFLA_ADDRESS, static_cast<int>(mac.size()), mac.data());
    socket.queue(message, "set address of link");
}

void queue_link_removal(RouteSocket& socket, int index) { queue_link_removal(socket, index, -1); }

Result<void> remove_links(RouteSocket& socket, const std::vector<Link>& links) {
    for (const Link& link : links) queue_link_removal(socket, link.index);
    return socket.commit();
}

void queue_link_removal(RouteSocket& socket, int index, int namespace_id) {
    nl_msg* message = nlmsg_alloc_simple(RTM_DELLINK, 0);
    ifinfomsg fixed{};
    fixed.ifi_index = index;
    if (message != nullptr) {
        nlmsg_append(message, &fixed, sizeof fixed, NLMSG_ALIGNTO);
        if (namespace_id >= 0) nla_put_s32(message, IFLA_TARGET_NETNSID, namespace_id);
    }
    socket.queue(message, "remove link");
}

}  // namespace davit::sdk
