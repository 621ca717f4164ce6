// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/nft_rule.hpp"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <algorithm>
#include <array>
#include <cstring>

namespace davit::sdk {
namespace {

// The first register.
constexpr std::uint32_t kFirst = NFT_REG_1;
// The n-th group of four bytes, called as the kernel calls it when it lists a rule, so that texts
// can be compared.
constexpr std::uint32_t word(std::uint32_t n) {
    return n % 4 == 0 ? NFT_REG_1 + n / 4 : NFT_REG32_00 + n;
}

constexpr std::uint32_t kIp4Source = 12, kIp4Destination = 16;  // offsets in the header, RFC 791
constexpr std::uint32_t kIp6Source = 8, kIp6Destination = 24;   // RFC 8200
constexpr std::uint32_t kDestinationPort = 2;                   // of TCP, UDP and SCTP alike
constexpr std::uint32_t kNameWords = IFNAMSIZ / 4;

std::uint32_t width(IpFamily family) { return family == IpFamily::v4 ? 4 : 16; }

}  // namespace

void NftRule::Free::operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }

NftRule::NftRule(std::string table, std::string chain, const std::string& comment)
    : chain_(std::move(chain)), rule_(nftnl_rule_alloc()) {
    nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_FAMILY, NFPROTO_INET);
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_TABLE, table.c_str());
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_CHAIN, chain_.c_str());
    nftnl_udata_buf* note = nftnl_udata_buf_alloc(NFTNL_UDATA_COMMENT_MAXLEN);
    nftnl_udata_put_strz(note, NFTNL_UDATA_RULE_COMMENT, comment.c_str());
    nftnl_rule_set_data(rule_.get(), NFTNL_RULE_USERDATA, nftnl_udata_buf_data(note),
                        nftnl_udata_buf_len(note));
    nftnl_udata_buf_free(note);
}

NftRule& NftRule::add(nftnl_expr* expression) {
    nftnl_rule_add_expr(rule_.get(), expression);
    return *this;
}

NftRule& NftRule::load_meta(std::uint32_t key, std::uint32_t reg) {
    nftnl_expr* meta = nftnl_expr_alloc("meta");
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, reg);
    return add(meta);
}

NftRule& NftRule::load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                               std::uint32_t reg) {
    nftnl_expr* payload = nftnl_expr_alloc("payload");
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, length);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, reg);
    return add(payload);
}

NftRule& NftRule::compare(const void* data, std::uint32_t length, Match match) {
    nftnl_expr* cmp = nftnl_expr_alloc("cmp");
    nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, kFirst);
    nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, match == Match::in ? NFT_CMP_EQ : NFT_CMP_NEQ);
    nftnl_expr_set_data(cmp, NFTNL_EXPR_CMP_DATA, data, length);
    return add(cmp);
}

NftRule& NftRule::look_up(const std::string& set, Match match) {
    nftnl_expr* lookup = nftnl_expr_alloc("lookup");
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, kFirst);
    nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, set.c_str());
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, match == Match::in ? 0 : NFT_LOOKUP_F_INV);
    return add(lookup);
}

NftRule& NftRule::from_link(const std::string& set, Match match) {
    return load_meta(NFT_META_IIFNAME, kFirst).look_up(set, match);
}
NftRule& NftRule::to_link(const std::string& set, Match match) {
    return load_meta(NFT_META_OIFNAME, kFirst).look_up(set, match);
}

NftRule& NftRule::named(std::uint32_t meta_key, const std::string& name, Match match) {
    std::array<char, IFNAMSIZ> padded{};
    std::copy_n(name.begin(), std::min(name.size(), padded.size() - 1), padded.begin());
    return load_meta(meta_key, kFirst).compare(padded.data(), padded.size(), match);
}
NftRule& NftRule::from_link_named(const std::string& name, Match match) {
    return named(NFT_META_IIFNAME, name, match);
}
NftRule& NftRule::to_link_named(const std::string& name, Match match) {
    return named(NFT_META_OIFNAME, name, match);
}

NftRule& NftRule::link_pair(const std::string& set) {
    return load_meta(NFT_META_IIFNAME, word(0))
        .load_meta(NFT_META_OIFNAME, word(kNameWords))
        .look_up(set, Match::in);
}

NftRule& NftRule::family(IpFamily family) {
    const auto number = static_cast<std::uint8_t>(family);
    return load_meta(NFT_META_NFPROTO, kFirst).compare(&number, sizeof number);
}

NftRule& NftRule::loopback(IpFamily wanted, std::uint32_t offset4, std::uint32_t offset6) {
    family(wanted);
    if (wanted == IpFamily::v4) {
        const std::uint8_t first = 127;  // a prefix of whole bytes needs no mask
        return load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset4, 1, kFirst).compare(&first, 1);
    }
    return load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset6, 16, kFirst)
        .compare(&in6addr_loopback, 16);
}
NftRule& NftRule::source_loopback(IpFamily family) {
    return loopback(family, kIp4Source, kIp6Source);
}
NftRule& NftRule::destination_loopback(IpFamily family) {
    return loopback(family, kIp4Destination, kIp6Destination);
}

NftRule& NftRule::source_in(const std::string& set, IpFamily wanted) {
    const std::uint32_t offset = wanted == IpFamily::v4 ? kIp4Source : kIp6Source;
    return family(wanted)
        .load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset, width(wanted), kFirst)
        .look_up(set, Match::in);
}
NftRule& NftRule::destination_in(const std::string& set, IpFamily wanted) {
    const std::uint32_t offset = wanted == IpFamily::v4 ? kIp4Destination : kIp6Destination;
    return family(wanted)
        .load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset, width(wanted), kFirst)
        .look_up(set, Match::in);
}

NftRule& NftRule::destination_is_host() {
    nftnl_expr* fib = nftnl_expr_alloc("fib");
    nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_DREG, kFirst);
    nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
    const std::uint32_t local = RTN_LOCAL;
    return add(fib).compare(&local, sizeof local);
}

NftRule& NftRule::established() {
    nftnl_expr* state = nftnl_expr_alloc("ct");
    nftnl_expr_set_u32(state, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
    nftnl_expr_set_u32(state, NFTNL_EXPR_CT_DREG, kFirst);
    add(state);
    const std::uint32_t wanted =
        NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);
    const std::uint32_t zero = 0;
    nftnl_expr* mask = nftnl_expr_alloc("bitwise");
    nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_SREG, kFirst);
    nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_DREG, kFirst);
    nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_LEN, sizeof wanted);
    nftnl_expr_set_data(mask, NFTNL_EXPR_BITWISE_MASK, &wanted, sizeof wanted);
    nftnl_expr_set_data(mask, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof zero);
    return add(mask).compare(&zero, sizeof zero, Match::not_in);
}

NftRule& NftRule::translated() {
    nftnl_expr* status = nftnl_expr_alloc("ct");
    nftnl_expr_set_u32(status, NFTNL_EXPR_CT_KEY, NFT_CT_STATUS);
    nftnl_expr_set_u32(status, NFTNL_EXPR_CT_DREG, kFirst);
    add(status);
    const std::uint32_t wanted = IPS_DST_NAT, zero = 0;
    nftnl_expr* mask = nftnl_expr_alloc("bitwise");
    nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_SREG, kFirst);
    nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_DREG, kFirst);
    nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_LEN, sizeof wanted);
    nftnl_expr_set_data(mask, NFTNL_EXPR_BITWISE_MASK, &wanted, sizeof wanted);
    nftnl_expr_set_data(mask, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof zero);
    return add(mask).compare(&zero, sizeof zero, Match::not_in);
}

NftRule& NftRule::protocol(std::uint8_t number) {
    return load_meta(NFT_META_L4PROTO, kFirst).compare(&number, sizeof number);
}

NftRule& NftRule::destination_port(std::uint16_t port) {
    const std::uint16_t wire = htons(port);
    return load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2, kFirst)
        .compare(&wire, sizeof wire);
}

NftRule& NftRule::translate_by_port(const std::string& map, IpFamily wanted) {
    load_meta(NFT_META_L4PROTO, word(0));
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2, word(1));
    return translate(map, wanted);
}

NftRule& NftRule::translate_by_address(const std::string& map, IpFamily wanted) {
    const std::uint32_t offset = wanted == IpFamily::v4 ? kIp4Destination : kIp6Destination;
    load_meta(NFT_META_L4PROTO, word(0));
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset, width(wanted), word(1));
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2, word(1 + width(wanted) / 4));
    return translate(map, wanted);
}

NftRule& NftRule::translate(const std::string& map, IpFamily wanted) {
    nftnl_expr* lookup = nftnl_expr_alloc("lookup");
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, kFirst);
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, kFirst);
    nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, map.c_str());
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, 0);
    add(lookup);
    // Upper ends and flags could be left out; the kernel would list them all the same.
    const std::uint32_t port = word(width(wanted) / 4);
    nftnl_expr* nat = nftnl_expr_alloc("nat");
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, static_cast<std::uint32_t>(wanted));
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, kFirst);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MAX, kFirst);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, port);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MAX, port);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FLAGS,
                       NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED);
    return add(nat);
}

NftRule& NftRule::redirect(std::uint16_t port) {
    const std::uint16_t wire = htons(port);
    nftnl_expr* value = nftnl_expr_alloc("immediate");
    nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, kFirst);
    nftnl_expr_set_data(value, NFTNL_EXPR_IMM_DATA, &wire, sizeof wire);
    add(value);
    nftnl_expr* redir = nftnl_expr_alloc("redir");
    nftnl_expr_set_u32(redir, NFTNL_EXPR_REDIR_REG_PROTO_MIN, kFirst);
    nftnl_expr_set_u32(redir, NFTNL_EXPR_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
    return add(redir);
}

NftRule& NftRule::masquerade() { return add(nftnl_expr_alloc("masq")); }

NftRule& NftRule::verdict(int code) {
    nftnl_expr* immediate = nftnl_expr_alloc("immediate");
    nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(code));
    return add(immediate);
}
NftRule& NftRule::accept() { return verdict(NF_ACCEPT); }
NftRule& NftRule::drop() { return verdict(NF_DROP); }

std::string NftRule::text() const {
    std::array<char, 4096>
        buffer;  // the longest rule here has ten expressions of some 60 characters
    const int length =
        nftnl_rule_snprintf(buffer.data(), buffer.size(), rule_.get(), NFTNL_OUTPUT_DEFAULT, 0);
    return length < 0
               ? std::string()
               : std::string(buffer.data(), std::min<std::size_t>(static_cast<std::size_t>(length),
                                                                  buffer.size() - 1));
}

}  // namespace davit::sdk
