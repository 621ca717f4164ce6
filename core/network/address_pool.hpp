// SPDX-License-Identifier: Apache-2.0
// Where subnets and addresses come from: blocks that subnets are cut from, and for each subnet
// which of its addresses are in use. Used by networks and endpoints; what is allocated is recorded
// by them in the graph. Not thread-safe.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace davit::network {

// Subnets with prefix length `size` are cut from `base`, in order.
struct SubnetBlock {
    sdk::Prefix base;
    std::uint8_t size = 0;
};

// Docker's: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in /20 blocks; for IPv6 one block
// of /64 subnets under a unique local prefix (RFC 4193) made of `scope`, the 8 hex digits that tell
// this engine from others.
std::vector<SubnetBlock> default_blocks(std::string_view scope);

// The first subnet of that family (4 or 6) that overlaps none of `taken` (what networks have and
// the host routes). Errors: invalid for a block that cannot be cut so; no_space when all are taken.
Result<sdk::Prefix> choose_subnet(const std::vector<SubnetBlock>& blocks, std::uint8_t family,
                                  const std::vector<sdk::Prefix>& taken);

// The addresses of one subnet. Allocation goes on after the last one given and comes back to freed
// ones late, so that an address is not used again while peers still remember who had it.
class AddressPool {
public:
    // Of `subnet`, and where given only from `range` in it (docker's --ip-range). The network's own
    // address and IPv4's broadcast address are never given out. Errors: invalid when the range is
    // not in the subnet.
    static Result<AddressPool> create(const sdk::Prefix& subnet,
                                      std::optional<sdk::Prefix> range = std::nullopt);

    // An address with the subnet's length. Errors: no_space.
    Result<sdk::Prefix> allocate();
    // Marks this one as used, in the range or not. Errors: invalid when it is not of the subnet or
    // not for hosts; exists when it is in use.
    Result<void> reserve(const sdk::Prefix& address);
    // One that is not in use is no error.
    void release(const sdk::Prefix& address);

    const sdk::Prefix& subnet() const { return subnet_; }
    std::uint64_t used() const { return used_count_; }

private:
    AddressPool(const sdk::Prefix& subnet, const sdk::Prefix& range);
    sdk::Prefix at(std::uint64_t offset) const;
    std::optional<std::uint64_t> offset_of(const sdk::Prefix& address) const;
    bool is_for_hosts(const sdk::Prefix& address) const;
    bool is_used(std::uint64_t offset) const;
    void mark(std::uint64_t offset, bool used);

    sdk::Prefix subnet_, range_;
    std::uint64_t size_ = 0;  // addresses of the range that allocate() looks at
    std::uint64_t next_ = 0;  // where it goes on
    std::uint64_t used_count_ = 0;
    std::vector<std::uint64_t> bitmap_;  // of the range, as long as the highest one used asks for
    std::set<std::string> beyond_;       // addresses in use that the bitmap does not cover
};

}  // namespace davit::network
