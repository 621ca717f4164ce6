// SPDX-License-Identifier: Apache-2.0
// A rule of an nftables chain, put together by named conditions and one action, in the order of the
// calls. Used with NftBatch. Wire: every field of a key lies in registers of four bytes (docs of
// nft(8), libnftnl). Not thread-safe.
#pragma once

#include "sdk/netlink/address.hpp"

#include <cstdint>
#include <memory>
#include <string>

struct nftnl_rule;
struct nftnl_expr;

namespace davit::sdk {

enum class IpFamily : std::uint8_t { v4 = 2, v6 = 10 };  // NFPROTO_IPV4, NFPROTO_IPV6

class NftRule {
public:
    // `comment` is shown by `nft list ruleset`, at most 100 characters.
    NftRule(std::string table, std::string chain, const std::string& comment);
    NftRule(NftRule&&) noexcept = default;
    NftRule& operator=(NftRule&&) noexcept = default;

    enum class Match : bool { in, not_in };
    // The name of the link that the packet came in by / leaves by is in the set (type ifname).
    NftRule& from_link(const std::string& set, Match match = Match::in);
    NftRule& to_link(const std::string& set, Match match = Match::in);
    // The same for one link, by its name.
    NftRule& from_link_named(const std::string& name, Match match = Match::in);
    NftRule& to_link_named(const std::string& name, Match match = Match::in);
    // Both names, in that order, are in the set (type ifname . ifname).
    NftRule& link_pair(const std::string& set);

    NftRule& family(IpFamily family);
    // IPv4's loopback range, 127.0.0.0/8; for IPv6 ::1. Includes the family.
    NftRule& source_loopback(IpFamily family);
    NftRule& destination_loopback(IpFamily family);
    // The source address is in the set (of that family's type). Includes the family.
    NftRule& source_in(const std::string& set, IpFamily family);
    NftRule& destination_in(const std::string& set, IpFamily family);
    // The destination is an address of this host (fib).
    NftRule& destination_is_host();

    // conntrack(8): the connection is established, or related to one that is.
    NftRule& established();
    // The connection's destination was translated.
    NftRule& translated();
    NftRule& protocol(std::uint8_t number);
    NftRule& destination_port(std::uint16_t port);

    // Translates the destination as the map says; a packet that it does not hold goes on to the
    // next rule. Keys: protocol . port, or protocol . address . port; data: address . port.
    // Includes the family.
    NftRule& translate_by_port(const std::string& map, IpFamily family);
    NftRule& translate_by_address(const std::string& map, IpFamily family);
    // To a port of this host itself.
    NftRule& redirect(std::uint16_t port);
    // Gives the packet the address of the link that it leaves by.
    NftRule& masquerade();
    NftRule& accept();
    NftRule& drop();

    const nftnl_rule* raw() const { return rule_.get(); }
    const std::string& chain() const { return chain_; }
    // What the rule does, as text that is equal for equal rules, the comment included.
    std::string text() const;

private:
    struct Free {
        void operator()(nftnl_rule* rule) const;
    };
    NftRule& add(nftnl_expr* expression);
    NftRule& load_meta(std::uint32_t key, std::uint32_t reg);
    NftRule& load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                          std::uint32_t reg);
    NftRule& compare(const void* data, std::uint32_t length, Match match = Match::in);
    NftRule& look_up(const std::string& set, Match match);
    NftRule& translate(const std::string& map, IpFamily family);
    NftRule& named(std::uint32_t meta_key, const std::string& name, Match match);
    NftRule& loopback(IpFamily family, std::uint32_t offset4, std::uint32_t offset6);
    NftRule& verdict(int code);

    std::string chain_;
    std::unique_ptr<nftnl_rule, Free> rule_;
};

}  // namespace davit::sdk
