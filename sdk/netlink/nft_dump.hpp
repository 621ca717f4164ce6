// SPDX-License-Identifier: Apache-2.0
// What nftables has in force, in the network namespace of the calling thread: one table compared
// with what should be there, and other tables that stop forwarded packets. Used by network drivers'
// `check` and `retain`. No state.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/netlink/nft_batch.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit::sdk {

struct NftTable {
    std::vector<std::string> chains;  // chain_text of each base chain, sorted
    std::map<std::string, std::vector<std::string>>
        rules;  // NftRule::text of each, in order, by chain
};

// How a chain of this kind reads in NftTable::chains.
std::string chain_text(const NftChain& chain);
// A table of family inet. Errors: not_found.
Result<NftTable> dump_nft_table(const std::string& table);
// Every element of a set or map. Errors: not_found when the table or the set is missing.
Result<std::vector<NftElement>> dump_nft_set(const std::string& table, const std::string& set);

// A base chain whose policy drops what no rule of it accepts.
struct DroppingChain {
    std::string family;  // "ip", "ip6", "inet"
    std::string table;
    std::string name;
};
// Chains on the forward hook with policy drop, in all tables but `own`, that name none of `links`
// in a rule.
Result<std::vector<DroppingChain>> dropping_forward_chains(const std::string& own,
                                                           const std::vector<std::string>& links);

}  // namespace davit::sdk
