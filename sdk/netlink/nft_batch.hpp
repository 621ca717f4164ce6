// SPDX-License-Identifier: Apache-2.0
// A transaction on one nftables table of family inet: what is added to the batch reaches the kernel
// in one message and comes into force all at once, or not at all. Used by network drivers and by
// core's DNS. Not thread-safe. libmnl and libnftnl stay inside this folder's .cpp files.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/netlink/nft_rule.hpp"
#include "sdk/netlink/nft_socket.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct nlmsghdr;

namespace davit::sdk {

// The data types of nft(8) that keys and values here are made of; the numbers are nft's own and
// only serve its listing.
enum class NftType : std::uint32_t {
    ipv4_addr = 7,
    ipv6_addr = 8,
    inet_proto = 12,
    inet_service = 13,
    ifname = 41
};

struct NftSet {
    std::string name;
    std::vector<NftType> key;   // several: a concatenation
    std::vector<NftType> data;  // empty: a set, else a map
    bool interval = false;      // holds prefixes (single addresses as keys only)
};

// Key or value of an element, field by field, each padded to four bytes as the kernel wants it.
class NftValue {
public:
    NftValue() = default;
    explicit NftValue(std::string bytes) : bytes_(std::move(bytes)) {}  // as the kernel gave them
    NftValue& protocol(std::uint8_t number);
    NftValue& port(std::uint16_t port);
    NftValue& address(const Prefix& address);
    NftValue& link(std::string_view name);
    const std::string& bytes() const { return bytes_; }
    bool operator==(const NftValue&) const = default;

private:
    std::string bytes_;
};

struct NftElement {
    NftValue key;
    NftValue data;
    bool interval_end =
        false;  // closes the interval that began with the element before (exclusive)
    bool operator==(const NftElement&) const = default;
};
// The two elements that stand for a subnet in an interval set; one when the subnet ends with the
// last address.
std::vector<NftElement> subnet_elements(const Prefix& subnet);

enum class NftHook { prerouting, output, postrouting, forward, input };
enum class NftChainType { filter, nat };
struct NftChain {
    std::string name;
    NftChainType type = NftChainType::filter;
    NftHook hook = NftHook::forward;
    std::int32_t priority = 0;  // NF_IP_PRI_…
};

class NftBatch {
public:
    explicit NftBatch(std::string table);

    // There is no error when the table exists.
    void add_table();
    // Removes the table with all it holds, whether it is there or not.
    void replace_table();
    void remove_table();
    void add_set(const NftSet& set);
    void add_chain(const NftChain& chain);
    void add_rule(const NftRule& rule);
    // An element that is there already is no error; with another value it is (at commit: busy).
    void add_elements(const std::string& set, const std::vector<NftElement>& elements);
    // Errors (at commit): not_found when one of them is not there.
    void remove_elements(const std::string& set, const std::vector<NftElement>& elements);

    bool empty() const { return doing_.empty(); }
    // Sends it. On failure nothing has changed. Errors: not_found when the table or a set is
    // missing.
    Result<void> commit(const NftSocket& socket);
    // The same by a socket of its own, into the network namespace of the calling thread.
    Result<void> commit();

private:
    nlmsghdr* begin(std::uint16_t type, std::uint16_t flags, std::string doing);
    void end(nlmsghdr* header);
    void change_elements(std::uint16_t type, const std::string& set,
                         const std::vector<NftElement>& elements);
    void frame(std::uint16_t type);

    std::string table_;
    std::string bytes_;               // finished messages
    std::vector<char> message_;       // the one being built
    std::vector<std::string> doing_;  // what the n-th message does; its sequence number is n + 1
    std::uint32_t set_ids_ = 0;
};

}  // namespace davit::sdk
