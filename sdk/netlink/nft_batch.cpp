// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/nft_batch.hpp"

#include "sdk/base/fd.hpp"
#include "sdk/netlink/nft_socket.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace davit::sdk {
namespace {

// An attribute's length has 16 bits; an element of a map with IPv6 keys takes less than 128 bytes.
constexpr std::size_t kElementsPerMessage = 256;
constexpr std::size_t kMessageRoom = 64 * 1024;
constexpr std::size_t kFrameSize = 64;  // a header (16 bytes) and nfgenmsg (4)
constexpr std::uint32_t kTypeBits =
    6;  // of each field in the number of a concatenated type, as nft(8) reads it
constexpr std::uint32_t kHostEndian = 1,
                        kBigEndian = 2;  // NFTNL_UDATA_SET_KEYBYTEORDER as nft(8) reads it

std::uint32_t padded_width(NftType type) {
    switch (type) {
        case NftType::ipv6_addr: return 16;
        case NftType::ifname: return IFNAMSIZ;
        default: return 4;
    }
}

std::uint32_t natural_width(NftType type) {
    switch (type) {
        case NftType::inet_proto: return 1;
        case NftType::inet_service: return 2;
        default: return padded_width(type);
    }
}

std::uint32_t type_number(const std::vector<NftType>& fields) {
    std::uint32_t number = 0;
    for (const NftType field : fields)
        number = (number << kTypeBits) | static_cast<std::uint32_t>(field);
    return number;
}

std::uint32_t total_width(const std::vector<NftType>& fields) {
    if (fields.size() == 1) return natural_width(fields.front());
    std::uint32_t total = 0;
    for (const NftType field : fields) total += padded_width(field);
    return total;
}

struct FreeSet {
    void operator()(nftnl_set* set) const { nftnl_set_free(set); }
};
using SetObject = std::unique_ptr<nftnl_set, FreeSet>;

SetObject new_set(const std::string& table, const std::string& name) {
    SetObject set(nftnl_set_alloc());
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name.c_str());
    return set;
}

const char* type_name(NftChainType type) { return type == NftChainType::nat ? "nat" : "filter"; }

std::uint32_t hook_number(NftHook hook) {
    switch (hook) {
        case NftHook::prerouting: return NF_INET_PRE_ROUTING;
        case NftHook::input: return NF_INET_LOCAL_IN;
        case NftHook::forward: return NF_INET_FORWARD;
        case NftHook::output: return NF_INET_LOCAL_OUT;
        case NftHook::postrouting: break;
    }
    return NF_INET_POST_ROUTING;
}

// The address after the last one of `subnet`; family 0 when there is none.
Prefix after(const Prefix& subnet) {
    Prefix next = subnet.network();
    for (std::size_t bit = subnet.length; bit-- > 0;) {
        auto& byte = next.bytes[bit / 8];
        const auto mask = static_cast<std::uint8_t>(0x80u >> (bit % 8));
        byte ^= mask;
        if ((byte & mask) != 0) return next;
    }
    return {};
}

}  // namespace

NftValue& NftValue::protocol(std::uint8_t number) {
    bytes_.push_back(static_cast<char>(number));
    bytes_.append(3, '\0');
    return *this;
}
NftValue& NftValue::port(std::uint16_t port) {
    bytes_.push_back(static_cast<char>(port >> 8));
    bytes_.push_back(static_cast<char>(port & 0xff));
    bytes_.append(2, '\0');
    return *this;
}
NftValue& NftValue::address(const Prefix& address) {
    bytes_.append(reinterpret_cast<const char*>(address.bytes.data()), address.width());
    return *this;
}
NftValue& NftValue::link(std::string_view name) {
    bytes_.append(name.substr(0, IFNAMSIZ - 1));
    bytes_.append(IFNAMSIZ - std::min<std::size_t>(name.size(), IFNAMSIZ - 1), '\0');
    return *this;
}

std::vector<NftElement> subnet_elements(const Prefix& subnet) {
    std::vector<NftElement> elements;
    elements.push_back({.key = NftValue().address(subnet.network())});
    if (const Prefix end = after(subnet); end.family != 0)
        elements.push_back({.key = NftValue().address(end), .interval_end = true});
    return elements;
}

NftBatch::NftBatch(std::string table) : table_(std::move(table)), message_(kMessageRoom) {
    frame(NFNL_MSG_BATCH_BEGIN);
}

// The kernel knows a batch by these two messages around it; they count as sequence 0.
void NftBatch::frame(std::uint16_t type) {
    alignas(nlmsghdr) std::array<char, kFrameSize> buffer{};
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST;
    header->nlmsg_seq = 0;
    nfgenmsg fixed{};
    fixed.nfgen_family = AF_UNSPEC;
    fixed.version = NFNETLINK_V0;
    fixed.res_id = htons(NFNL_SUBSYS_NFTABLES);
    *static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof fixed)) = fixed;
    bytes_.append(buffer.data(), header->nlmsg_len);
}

nlmsghdr* NftBatch::begin(std::uint16_t type, std::uint16_t flags, std::string doing) {
    doing_.push_back(std::move(doing));
    return nftnl_nlmsg_build_hdr(message_.data(), type, NFPROTO_INET, flags,
                                 static_cast<std::uint32_t>(doing_.size()));
}

void NftBatch::end(nlmsghdr* header) {
    bytes_.append(reinterpret_cast<const char*>(header), header->nlmsg_len);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

void NftBatch::add_table() {
    nlmsghdr* header = begin(NFT_MSG_NEWTABLE, NLM_F_CREATE, "add table " + table_);
    mnl_attr_put_strz(header, NFTA_TABLE_NAME, table_.c_str());
    end(header);
}

void NftBatch::remove_table() {
    add_table();  // so that there is one to remove
    nlmsghdr* header = begin(NFT_MSG_DELTABLE, 0, "remove table " + table_);
    mnl_attr_put_strz(header, NFTA_TABLE_NAME, table_.c_str());
    end(header);
}

void NftBatch::replace_table() {
    remove_table();
    add_table();
}

void NftBatch::add_set(const NftSet& set) {
    const SetObject object = new_set(table_, set.name);
    const std::uint32_t flags = (set.data.empty() ? 0u : std::uint32_t{NFT_SET_MAP}) |
                                (set.interval ? std::uint32_t{NFT_SET_INTERVAL} : 0u);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
    nftnl_set_set_u32(object.get(), NFTNL_SET_ID, ++set_ids_);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, flags);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, type_number(set.key));
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, total_width(set.key));
    if (!set.data.empty()) {
        nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, type_number(set.data));
        nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN, total_width(set.data));
    }
    nftnl_udata_buf* note = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
    nftnl_udata_put_u32(note, NFTNL_UDATA_SET_KEYBYTEORDER,
                        set.key.front() == NftType::ifname ? kHostEndian : kBigEndian);
    nftnl_set_set_data(object.get(), NFTNL_SET_USERDATA, nftnl_udata_buf_data(note),
                       nftnl_udata_buf_len(note));
    nftnl_udata_buf_free(note);
    nlmsghdr* header = begin(NFT_MSG_NEWSET, NLM_F_CREATE, "add set " + set.name);
    nftnl_set_nlmsg_build_payload(header, object.get());
    end(header);
}

void NftBatch::add_chain(const NftChain& chain) {
    nftnl_chain* object = nftnl_chain_alloc();
    nftnl_chain_set_str(object, NFTNL_CHAIN_TABLE, table_.c_str());
    nftnl_chain_set_str(object, NFTNL_CHAIN_NAME, chain.name.c_str());
    nftnl_chain_set_str(object, NFTNL_CHAIN_TYPE, type_name(chain.type));
    nftnl_chain_set_u32(object, NFTNL_CHAIN_HOOKNUM, hook_number(chain.hook));
    nftnl_chain_set_s32(object, NFTNL_CHAIN_PRIO, chain.priority);
    nftnl_chain_set_u32(object, NFTNL_CHAIN_POLICY, NF_ACCEPT);
    nlmsghdr* header = begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add chain " + chain.name);
    nftnl_chain_nlmsg_build_payload(header, object);
    end(header);
    nftnl_chain_free(object);
}

void NftBatch::add_rule(const NftRule& rule) {
    nlmsghdr* header =
        begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "add rule to chain " + rule.chain());
    nftnl_rule_nlmsg_build_payload(header, const_cast<nftnl_rule*>(rule.raw()));
    end(header);
}

void NftBatch::add_elements(const std::string& set, const std::vector<NftElement>& elements) {
    change_elements(NFT_MSG_NEWSETELEM, set, elements);
}

void NftBatch::remove_elements(const std::string& set, const std::vector<NftElement>& elements) {
    change_elements(NFT_MSG_DELSETELEM, set, elements);
}

void NftBatch::change_elements(std::uint16_t type, const std::string& set,
                               const std::vector<NftElement>& elements) {
    for (std::size_t at = 0; at < elements.size();) {
        const SetObject object = new_set(table_, set);
        for (std::size_t count = 0; count < kElementsPerMessage && at < elements.size();
             ++count, ++at) {
            const NftElement& element = elements[at];
            nftnl_set_elem* made = nftnl_set_elem_alloc();
            const std::string& key = element.key.bytes();
            nftnl_set_elem_set(made, NFTNL_SET_ELEM_KEY, key.data(),
                               static_cast<std::uint32_t>(key.size()));
            const std::string& data = element.data.bytes();
            if (!data.empty())
                nftnl_set_elem_set(made, NFTNL_SET_ELEM_DATA, data.data(),
                                   static_cast<std::uint32_t>(data.size()));
            if (element.interval_end)
                nftnl_set_elem_set_u32(made, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
            nftnl_set_elem_add(object.get(), made);
        }
        const bool adding = type == NFT_MSG_NEWSETELEM;
        nlmsghdr* header = begin(type, adding ? NLM_F_CREATE : 0,
                                 (adding ? "add elements to " : "remove elements from ") + set);
        nftnl_set_elems_nlmsg_build_payload(header, object.get());
        end(header);
    }
}

Result<void> NftBatch::commit(const NftSocket& socket) {
    frame(NFNL_MSG_BATCH_END);
    return send_nft_batch(socket, bytes_, doing_).context("change packet rules");
}

Result<void> NftBatch::commit() {
    const NftSocket socket = TRY(NftSocket::open());
    return commit(socket);
}

}  // namespace davit::sdk
