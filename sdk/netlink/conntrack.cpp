// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/conntrack.hpp"

#include <libmnl/libmnl.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace davit::sdk {
namespace {

constexpr std::size_t kRequestRoom = 1024;  // a header and one tuple of some 100 bytes

// One direction of a flow. nfnetlink_conntrack.h: CTA_TUPLE_IP, CTA_TUPLE_PROTO.
struct Tuple {
    Prefix source;
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;
};

// mnl_attr_parse hands every attribute to this; the first of the wanted type stays.
struct Search {
    std::uint16_t type;
    const nlattr* found = nullptr;
    static int visit(const nlattr* attribute, void* data) {
        auto& search = *static_cast<Search*>(data);
        if (search.found == nullptr && mnl_attr_get_type(attribute) == search.type)
            search.found = attribute;
        return MNL_CB_OK;
    }
};

const nlattr* find_attribute(const nlattr* nest, std::uint16_t type) {
    Search search{type};
    mnl_attr_parse_nested(nest, &Search::visit, &search);
    return search.found;
}

const nlattr* find_attribute(const nlmsghdr* message, std::uint16_t type) {
    Search search{type};
    mnl_attr_parse(message, sizeof(nfgenmsg), &Search::visit, &search);
    return search.found;
}

Prefix address_of(const nlattr* ip, std::uint16_t type4, std::uint16_t type6) {
    Prefix address;
    const nlattr* four = find_attribute(ip, type4);
    const nlattr* found = four != nullptr ? four : find_attribute(ip, type6);
    if (found == nullptr) return address;
    address.family = four != nullptr ? 4 : 6;
    address.length = static_cast<std::uint8_t>(address.width() * 8);
    const std::size_t size =
        std::min<std::size_t>(mnl_attr_get_payload_len(found), address.width());
    std::memcpy(address.bytes.data(), mnl_attr_get_payload(found), size);
    return address;
}

Tuple read_tuple(const nlattr* nest) {
    Tuple tuple;
    if (const nlattr* ip = find_attribute(nest, CTA_TUPLE_IP))
        tuple.source = address_of(ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
    const nlattr* proto = find_attribute(nest, CTA_TUPLE_PROTO);
    if (proto == nullptr) return tuple;
    if (const nlattr* number = find_attribute(proto, CTA_PROTO_NUM))
        tuple.protocol = mnl_attr_get_u8(number);
    if (const nlattr* port = find_attribute(proto, CTA_PROTO_DST_PORT))
        tuple.destination_port = ntohs(mnl_attr_get_u16(port));
    return tuple;
}

struct Flow {
    std::uint8_t family = 0;
    std::vector<char> original;  // the attribute as the kernel sent it, to name the flow by
};

bool is_meant(const Tuple& original, const Tuple& reply, const FlowMatch& match) {
    if (original.protocol != match.protocol) return false;
    const auto& ports = match.ports;
    if (std::find(ports.begin(), ports.end(), original.destination_port) != ports.end())
        return true;
    const auto same = [&](const Prefix& address) {
        return address.family == reply.source.family && address.bytes == reply.source.bytes;
    };
    return std::any_of(match.answered_by.begin(), match.answered_by.end(), same);
}

std::optional<Flow> flow_if_meant(const nlmsghdr* message, const FlowMatch& match) {
    const nlattr* original = find_attribute(message, CTA_TUPLE_ORIG);
    const nlattr* reply = find_attribute(message, CTA_TUPLE_REPLY);
    if (original == nullptr || reply == nullptr) return std::nullopt;
    if (!is_meant(read_tuple(original), read_tuple(reply), match)) return std::nullopt;
    const auto* bytes = reinterpret_cast<const char*>(original);
    Flow flow;
    flow.family = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family;
    flow.original.assign(bytes, bytes + original->nla_len);
    return flow;
}

nlmsghdr* begin_request(char* buffer, std::uint16_t message, std::uint16_t flags,
                        std::uint8_t family) {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | message);
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    header->nlmsg_seq = 1;
    auto* fixed = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    fixed->nfgen_family = family;
    fixed->version = NFNETLINK_V0;
    return header;
}

// A flow that ended by itself meanwhile is gone as well.
Result<void> forget(const NftSocket& socket, const Flow& flow) {
    alignas(nlmsghdr) std::array<char, kRequestRoom> buffer{};
    nlmsghdr* header = begin_request(buffer.data(), IPCTNL_MSG_CT_DELETE, NLM_F_ACK, flow.family);
    if (header->nlmsg_len + flow.original.size() > buffer.size())
        return fail(Code::internal, "forget flow: its tuple is too long");
    std::memcpy(buffer.data() + header->nlmsg_len, flow.original.data(), flow.original.size());
    header->nlmsg_len += static_cast<std::uint32_t>(NLMSG_ALIGN(flow.original.size()));
    const Result<void> done = dump_netfilter(socket, header, [](const nlmsghdr*) {});
    if (!done && done.error().code != Code::not_found) return done;
    return {};
}

}  // namespace

Result<std::size_t> forget_flows(const NftSocket& socket, const FlowMatch& match) {
    alignas(nlmsghdr) std::array<char, kRequestRoom> buffer{};
    const nlmsghdr* request =
        begin_request(buffer.data(), IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
    std::vector<Flow> meant;
    const auto take = [&](const nlmsghdr* message) {
        if (auto flow = flow_if_meant(message, match)) meant.push_back(std::move(*flow));
    };
    TRY(dump_netfilter(socket, request, take).context("list remembered flows"));
    for (const Flow& flow : meant) TRY(forget(socket, flow).context("forget flow"));
    return meant.size();
}

}  // namespace davit::sdk
