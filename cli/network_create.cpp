// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/environment.hpp"
#include "cli/network_options.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/networks.hpp"

#include <boost/json.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace davit::cli {
namespace {

namespace bj = boost::json;

// An address or a subnet, as far as it takes to say which of several subnets something is in.
struct Block {
    unsigned char bytes[16] = {};
    int width = 0, bits = 0;

    bool contains(const Block& other) const {
        if (width != other.width || bits > other.bits) return false;
        const auto whole = static_cast<std::size_t>(bits / 8);
        if (std::memcmp(bytes, other.bytes, whole) != 0) return false;
        const int mask = 0xff00 >> (bits % 8) & 0xff;
        return bits % 8 == 0 || ((bytes[whole] ^ other.bytes[whole]) & mask) == 0;
    }
};

Block block_of(const std::string& text) {
    Block block;
    const auto slash = text.find('/');
    const auto address = text.substr(0, slash);
    if (::inet_pton(AF_INET, address.c_str(), block.bytes) == 1)
        block.width = 32;
    else if (::inet_pton(AF_INET6, address.c_str(), block.bytes) == 1)
        block.width = 128;
    block.bits = block.width;
    if (slash != std::string::npos)
        std::from_chars(text.data() + slash + 1, text.data() + text.size(), block.bits);
    block.bits = std::clamp(block.bits, 0, block.width);
    return block;
}

class NetworkCreate final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(driver_, "d,driver", "NAME", "Network driver instance that makes it");
        flags.custom(joined_list(subnets_), "subnet", "CIDR",
                     "Subnet, one for each family; else a free one");
        flags.custom(joined_list(gateways_), "gateway", "ADDRESS",
                     "Gateway of a subnet; else its first address");
        flags.custom(joined_list(ranges_), "ip-range", "CIDR",
                     "Part of a subnet that containers get addresses of");
        flags.list(reserved_, "aux-address", "NAME=ADDRESS", "Address that no container gets");
        flags.toggle(internal_, "internal", "Nothing leaves it, nothing enters it");
        flags.toggle(ipv4_, "ipv4", "Addresses of IPv4; on unless =false");
        flags.toggle(ipv6_, "ipv6", "Addresses of IPv6");
        flags.list(options_, "o,opt", "KEY=VALUE", "Option of the driver");
        flags.list(labels_, "label", "KEY[=VALUE]", "Set a label");
        flags.toggle(attachable_, "attachable", "Accepted: every network here is");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        bj::object body{{"Name", view::text(operands[0])},
                        {"Driver", view::text(driver_)},
                        {"Internal", internal_},
                        {"Attachable", attachable_},
                        {"Options", TRY(pairs_of("opt", options_))},
                        {"Labels", TRY(labels_of({}, labels_))}};
        if (ipv4_) body["EnableIPv4"] = *ipv4_;
        if (ipv6_) body["EnableIPv6"] = *ipv6_;
        body["IPAM"] = bj::object{{"Driver", "default"}, {"Config", TRY(pools())}};
        auto* client = TRY(session.client());
        const auto id = TRY(sdk::create_network(*client, bj::serialize(body)));
        TRY(print(id + "\n"));
        return 0;
    }

private:
    // The subnet that something belongs to.
    Result<bj::object*> pool_of(bj::array& pools, const std::string& text) const {
        for (std::size_t i = 0; i < subnets_.size(); ++i)
            if (block_of(subnets_[i]).contains(block_of(text))) return &pools[i].get_object();
        return fail(Code::invalid, "no matching subnet for ", text);
    }

    Result<bj::array> pools() const {
        bj::array pools;
        for (const auto& subnet : subnets_)
            pools.push_back(bj::object{{"Subnet", view::text(subnet)}});
        for (const auto& range : ranges_)
            (*TRY(pool_of(pools, range)))["IPRange"] = view::text(range);
        for (const auto& gateway : gateways_)
            (*TRY(pool_of(pools, gateway)))["Gateway"] = view::text(gateway);
        for (const auto& [name, address] : TRY(pairs_of("aux-address", reserved_))) {
            auto& pool = *TRY(pool_of(pools, std::string(view::as_string(address))));
            if (!pool.contains("AuxiliaryAddresses")) pool["AuxiliaryAddresses"].emplace_object();
            pool["AuxiliaryAddresses"].get_object()[name] = address;
        }
        return pools;
    }

    std::string driver_;
    Strings subnets_, gateways_, ranges_, reserved_, options_, labels_;
    bool internal_ = false, attachable_ = false;
    std::optional<bool> ipv4_, ipv6_;
};

}  // namespace

std::unique_ptr<Command> make_network_create() { return std::make_unique<NetworkCreate>(); }

}  // namespace davit::cli
