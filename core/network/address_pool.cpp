// SPDX-License-Identifier: Apache-2.0
#include "core/network/address_pool.hpp"

#include <algorithm>
#include <charconv>

namespace davit::network {
namespace {

// More than any network here can hold (a bridge has 1 023 ports), and 128 KiB of bitmap at worst.
constexpr std::uint64_t kMostAddresses = std::uint64_t{1} << 20;
constexpr unsigned kMostBlockBits =
    32;  // of subnets cut from one block: enough to be tried one by one only in theory
constexpr std::uint64_t kMostTries = std::uint64_t{1} << 20;

// `prefix` moved on by `count` units of its bit `unit` (1: the highest).
sdk::Prefix advanced(sdk::Prefix prefix, unsigned unit, std::uint64_t count) {
    for (unsigned bit = unit; bit > 0 && count != 0; --bit, count >>= 1) {
        if ((count & 1) == 0) continue;
        auto carry = bit;  // add one at this bit
        for (; carry > 0; --carry) {
            auto& byte = prefix.bytes[(carry - 1) / 8];
            const auto mask = static_cast<std::uint8_t>(0x80u >> ((carry - 1) % 8));
            byte ^= mask;
            if ((byte & mask) != 0) break;
        }
    }
    return prefix;
}

unsigned host_bits(const sdk::Prefix& prefix) {
    return static_cast<unsigned>(prefix.width() * 8) - prefix.length;
}

sdk::Prefix unique_local(std::string_view scope) {
    sdk::Prefix base;
    base.family = 6;
    base.length = 48;
    base.bytes = {0xfd, 0xda};
    for (std::size_t i = 0; i < 4 && 2 * i + 2 <= scope.size(); ++i)
        std::from_chars(scope.data() + 2 * i, scope.data() + 2 * i + 2, base.bytes[2 + i], 16);
    return base;
}

}  // namespace

std::vector<SubnetBlock> default_blocks(std::string_view scope) {
    std::vector<SubnetBlock> blocks;
    for (const char* base : {"172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/14",
                             "172.24.0.0/14", "172.28.0.0/14"})
        blocks.push_back({*sdk::parse_prefix(base), 16});
    blocks.push_back({*sdk::parse_prefix("192.168.0.0/16"), 20});
    blocks.push_back({unique_local(scope), 64});
    return blocks;
}

Result<sdk::Prefix> choose_subnet(const std::vector<SubnetBlock>& blocks, std::uint8_t family,
                                  const std::vector<sdk::Prefix>& taken) {
    for (const SubnetBlock& block : blocks) {
        if (block.base.family != family) continue;
        const bool sound = block.size >= block.base.length &&
                           block.size <= block.base.width() * 8 &&
                           unsigned{block.size} - block.base.length <= kMostBlockBits;
        if (!sound)
            return fail(Code::invalid, "cut subnets of /", std::to_string(block.size), " from ",
                        sdk::prefix_text(block.base), ": that is not possible");
        const unsigned bits = unsigned{block.size} - block.base.length;
        const std::uint64_t count = std::min(std::uint64_t{1} << bits, kMostTries);
        for (std::uint64_t i = 0; i < count; ++i) {
            sdk::Prefix subnet = advanced(block.base.network(), block.size, i);
            subnet.length = block.size;
            const auto overlaps = [&](const sdk::Prefix& other) {
                return other.length != 0 && subnet.overlaps(other);
            };
            if (std::none_of(taken.begin(), taken.end(), overlaps)) return subnet;
        }
    }
    return fail(Code::no_space,
                "choose a subnet: all predefined address pools have been fully subnetted");
}

Result<AddressPool> AddressPool::create(const sdk::Prefix& subnet,
                                        std::optional<sdk::Prefix> range) {
    if (subnet.family != 4 && subnet.family != 6)
        return fail(Code::invalid, "open address pool: it has no subnet");
    if (range && !subnet.contains(*range))
        return fail(Code::invalid, "take addresses from ", sdk::prefix_text(*range),
                    ": it is not in subnet ", sdk::prefix_text(subnet));
    return AddressPool(subnet.network(), range ? range->network() : subnet.network());
}

AddressPool::AddressPool(const sdk::Prefix& subnet, const sdk::Prefix& range)
    : subnet_(subnet), range_(range) {
    const unsigned bits = host_bits(range);
    size_ = bits >= 20 ? kMostAddresses : std::uint64_t{1} << bits;
}

sdk::Prefix AddressPool::at(std::uint64_t offset) const {
    sdk::Prefix address = advanced(range_, static_cast<unsigned>(range_.width() * 8), offset);
    address.length = subnet_.length;
    return address;
}

std::optional<std::uint64_t> AddressPool::offset_of(const sdk::Prefix& address) const {
    sdk::Prefix whole = address;
    whole.length = static_cast<std::uint8_t>(address.width() * 8);
    if (!range_.contains(whole)) return std::nullopt;
    std::uint64_t offset = 0;
    for (unsigned bit = range_.length; bit < whole.length; ++bit) {
        if (offset >= kMostAddresses) return std::nullopt;
        offset = offset << 1 | ((address.bytes[bit / 8] >> (7 - bit % 8)) & 1u);
    }
    return offset < size_ ? std::optional(offset) : std::nullopt;
}

// All host bits zero is the network's own address (for IPv6 the routers'), all ones IPv4's
// broadcast address. Subnets of one or two addresses have neither (RFC 3021, RFC 6164).
bool AddressPool::is_for_hosts(const sdk::Prefix& address) const {
    if (host_bits(subnet_) <= 1) return true;
    bool all_zero = true, all_ones = true;
    for (unsigned bit = subnet_.length; bit < subnet_.width() * 8; ++bit) {
        const bool one = ((address.bytes[bit / 8] >> (7 - bit % 8)) & 1u) != 0;
        all_zero = all_zero && !one;
        all_ones = all_ones && one;
    }
    return !all_zero && !(all_ones && subnet_.family == 4);
}

bool AddressPool::is_used(std::uint64_t offset) const {
    const std::size_t word = offset / 64;
    return word < bitmap_.size() && ((bitmap_[word] >> (offset % 64)) & 1) != 0;
}

void AddressPool::mark(std::uint64_t offset, bool used) {
    const std::size_t word = offset / 64;
    if (word >= bitmap_.size()) bitmap_.resize(word + 1);
    const std::uint64_t bit = std::uint64_t{1} << (offset % 64);
    bitmap_[word] = used ? bitmap_[word] | bit : bitmap_[word] & ~bit;
}

Result<sdk::Prefix> AddressPool::allocate() {
    for (std::uint64_t tries = 0; tries < size_; ++tries) {
        const std::uint64_t offset = next_;
        next_ = (next_ + 1) % size_;
        if (is_used(offset)) continue;
        const sdk::Prefix address = at(offset);
        if (!is_for_hosts(address)) continue;
        mark(offset, true);
        ++used_count_;
        return address;
    }
    return fail(Code::no_space, "allocate address: no available addresses in subnet ",
                sdk::prefix_text(subnet_));
}

Result<void> AddressPool::reserve(const sdk::Prefix& address) {
    sdk::Prefix whole = address;
    whole.length = static_cast<std::uint8_t>(address.width() * 8);
    const std::string text = sdk::address_text(address);
    if (!subnet_.contains(whole))
        return fail(Code::invalid, "take address ", text, ": it is not in subnet ",
                    sdk::prefix_text(subnet_));
    if (!is_for_hosts(address))
        return fail(Code::invalid, "take address ", text,
                    ": it is the subnet's own, not for a host");
    const auto offset = offset_of(address);
    const bool fresh = offset ? !is_used(*offset) : beyond_.insert(text).second;
    if (!fresh) return fail(Code::exists, "take address ", text, ": address already in use");
    if (offset) mark(*offset, true);
    ++used_count_;
    return {};
}

void AddressPool::release(const sdk::Prefix& address) {
    const auto offset = offset_of(address);
    const bool was_used =
        offset ? is_used(*offset) : beyond_.erase(sdk::address_text(address)) != 0;
    if (!was_used) return;
    if (offset) mark(*offset, false);
    --used_count_;
}

}  // namespace davit::network
