// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/nft_dump.hpp"

#include "sdk/netlink/nft_socket.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <algorithm>
#include <array>
#include <functional>
#include <memory>

namespace davit::sdk {
namespace {

constexpr std::size_t kRequestRoom = 1024;  // header and two names of at most 256 bytes
constexpr int kTries = 5;  // a dump is asked for again when the rules changed under it

class Request {
public:
    Request(std::uint16_t type, std::uint16_t family, std::uint16_t flags) {
        header_ = nftnl_nlmsg_build_hdr(buffer_.data(), type, family, flags, 1);
    }
    Request& name(std::uint16_t attribute, const std::string& value) {
        mnl_attr_put_strz(header_, attribute, value.c_str());
        return *this;
    }
    const nlmsghdr* header() const { return header_; }

private:
    alignas(nlmsghdr) std::array<char, kRequestRoom> buffer_{};
    nlmsghdr* header_;
};

struct FreeChain {
    void operator()(nftnl_chain* chain) const { nftnl_chain_free(chain); }
};
struct FreeRule {
    void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};
struct FreeSet {
    void operator()(nftnl_set* set) const { nftnl_set_free(set); }
};

// Runs a dump and, when the rules changed meanwhile, runs it again from the start.
Result<void> dump(const nlmsghdr* request, const std::function<void()>& reset,
                  const std::function<void(const nlmsghdr*)>& each) {
    Result<void> done;
    for (int tries = 0; tries < kTries; ++tries) {
        reset();
        done = dump_netfilter(request, each);
        if (done || done.error().code != Code::busy) return done;
    }
    return done;
}

std::string base_chain_text(const char* name, const char* type, std::uint32_t hook,
                            std::int32_t priority, std::uint32_t policy) {
    return std::string(name) + " type " + type + " hook " + std::to_string(hook) + " priority " +
           std::to_string(priority) + " policy " + std::to_string(policy);
}

std::string base_chain_text(const nftnl_chain* chain) {
    return base_chain_text(nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME),
                           nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE),
                           nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM),
                           nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO),
                           nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY));
}

Result<void> for_each_chain(std::uint16_t family, const std::function<void()>& reset,
                            const std::function<void(const nftnl_chain*)>& each) {
    const Request request(NFT_MSG_GETCHAIN, family, NLM_F_DUMP);
    return dump(request.header(), reset, [&](const nlmsghdr* message) {
        const std::unique_ptr<nftnl_chain, FreeChain> chain(nftnl_chain_alloc());
        if (nftnl_chain_nlmsg_parse(message, chain.get()) == 0) each(chain.get());
    });
}

Result<void> for_each_rule(std::uint16_t family, const std::string& table,
                           const std::function<void()>& reset,
                           const std::function<void(nftnl_rule*)>& each) {
    Request request(NFT_MSG_GETRULE, family, NLM_F_DUMP);
    request.name(NFTA_RULE_TABLE, table);
    return dump(request.header(), reset, [&](const nlmsghdr* message) {
        const std::unique_ptr<nftnl_rule, FreeRule> rule(nftnl_rule_alloc());
        if (nftnl_rule_nlmsg_parse(message, rule.get()) == 0) each(rule.get());
    });
}

std::string rule_text(nftnl_rule* rule) {
    nftnl_rule_unset(rule, NFTNL_RULE_HANDLE);  // what only the kernel's copy has
    nftnl_rule_unset(rule, NFTNL_RULE_POSITION);
    std::array<char, 4096> buffer;
    const int length =
        nftnl_rule_snprintf(buffer.data(), buffer.size(), rule, NFTNL_OUTPUT_DEFAULT, 0);
    if (length < 0) return {};
    return std::string(buffer.data(),
                       std::min<std::size_t>(static_cast<std::size_t>(length), buffer.size() - 1));
}

// Whether a comparison in the rule begins with the name of one of `links`, as `iifname "davit0"`
// does.
bool names_link(nftnl_rule* rule, const std::vector<std::string>& links) {
    struct Search {
        const std::vector<std::string>& links;
        bool found = false;
    } search{links};
    nftnl_expr_foreach(
        rule,
        [](nftnl_expr* expression, void* data) {
            auto& wanted = *static_cast<Search*>(data);
            const char* name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
            if (name == nullptr || std::string_view(name) != "cmp") return 0;
            std::uint32_t length = 0;
            const auto* bytes = static_cast<const char*>(
                nftnl_expr_get_data(expression, NFTNL_EXPR_CMP_DATA, &length));
            if (bytes == nullptr) return 0;
            std::string_view compared(bytes, length);
            compared = compared.substr(0, compared.find('\0'));
            for (const std::string& link : wanted.links)
                // A shorter comparison is a pattern ("dv*").
                if (compared.size() > 1 && link.starts_with(compared)) wanted.found = true;
            return 0;
        },
        &search);
    return search.found;
}

Result<bool> table_names_link(std::uint16_t family, const std::string& table,
                              const std::vector<std::string>& links) {
    bool found = false;
    TRY(for_each_rule(
        family, table, [&] { found = false; },
        [&](nftnl_rule* rule) { found = found || names_link(rule, links); }));
    return found;
}

}  // namespace

std::string chain_text(const NftChain& chain) {
    constexpr std::uint32_t hooks[] = {NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING,
                                       NF_INET_FORWARD, NF_INET_LOCAL_IN};
    return base_chain_text(chain.name.c_str(), chain.type == NftChainType::nat ? "nat" : "filter",
                           hooks[static_cast<int>(chain.hook)], chain.priority, NF_ACCEPT);
}

Result<NftTable> dump_nft_table(const std::string& table) {
    NftTable found;
    TRY(for_each_chain(
        NFPROTO_INET, [&] { found.chains.clear(); },
        [&](const nftnl_chain* chain) {
            if (nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE) != table) return;
            if (nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM))
                found.chains.push_back(base_chain_text(chain));
        }));
    if (found.chains.empty())
        return fail(Code::not_found, "read table inet ", table, ": no such table");
    std::sort(found.chains.begin(), found.chains.end());
    TRY(for_each_rule(
        NFPROTO_INET, table, [&] { found.rules.clear(); },
        [&](nftnl_rule* rule) {
            const std::string chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
            found.rules[chain].push_back(rule_text(rule));
        }));
    return found;
}

Result<std::vector<NftElement>> dump_nft_set(const std::string& table, const std::string& set) {
    Request request(NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP);
    request.name(NFTA_SET_ELEM_LIST_TABLE, table).name(NFTA_SET_ELEM_LIST_SET, set);
    std::vector<NftElement> elements;
    const auto take = [](nftnl_set_elem* element, void* data) {
        std::uint32_t key_size = 0, data_size = 0;
        const auto* key =
            static_cast<const char*>(nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &key_size));
        NftElement read;
        if (key != nullptr) read.key = NftValue(std::string(key, key_size));
        if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_DATA)) {
            const auto* value = static_cast<const char*>(
                nftnl_set_elem_get(element, NFTNL_SET_ELEM_DATA, &data_size));
            read.data = NftValue(std::string(value, data_size));
        }
        read.interval_end = nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS) &&
                            (nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS) &
                             NFT_SET_ELEM_INTERVAL_END) != 0;
        static_cast<std::vector<NftElement>*>(data)->push_back(std::move(read));
        return 0;
    };
    TRY(dump(
            request.header(), [&] { elements.clear(); },
            [&](const nlmsghdr* message) {
                const std::unique_ptr<nftnl_set, FreeSet> holder(nftnl_set_alloc());
                if (nftnl_set_elems_nlmsg_parse(message, holder.get()) == 0)
                    nftnl_set_elem_foreach(holder.get(), take, &elements);
            })
            .context("read set ", set, " of table inet ", table));
    return elements;
}

Result<std::vector<DroppingChain>> dropping_forward_chains(const std::string& own,
                                                           const std::vector<std::string>& links) {
    std::vector<DroppingChain> all, dropping;
    TRY(for_each_chain(
        NFPROTO_UNSPEC, [&] { all.clear(); },
        [&](const nftnl_chain* chain) {
            const std::uint32_t family = nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY);
            const bool routes =
                family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET;
            if (!routes || !nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM)) return;
            if (nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) != NF_INET_FORWARD) return;
            if (nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) != NF_DROP) return;
            if (nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE) == own) return;
            all.push_back({family == NFPROTO_IPV4   ? "ip"
                           : family == NFPROTO_IPV6 ? "ip6"
                                                    : "inet",
                           nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE),
                           nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME)});
        }));
    for (DroppingChain& chain : all) {
        const std::uint16_t family = chain.family == "ip"    ? NFPROTO_IPV4
                                     : chain.family == "ip6" ? NFPROTO_IPV6
                                                             : NFPROTO_INET;
        if (!TRY(table_names_link(family, chain.table, links)))
            dropping.push_back(std::move(chain));
    }
    return dropping;
}

}  // namespace davit::sdk
