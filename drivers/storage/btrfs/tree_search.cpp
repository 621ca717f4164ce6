// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/btrfs/tree_search.hpp"

#include <sys/ioctl.h>
#include <vector>

namespace davit::btrfs {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;

btrfs_ioctl_search_key first_key(const Search& search) {
    btrfs_ioctl_search_key key{};
    key.tree_id = search.tree;
    key.min_objectid = search.first_object;
    key.max_objectid = search.last_object;
    key.min_type = search.first_type;
    key.max_type = search.last_type;
    key.min_offset = search.first_offset;
    key.max_offset = search.last_offset;
    key.min_transid = search.since;
    key.max_transid = UINT64_MAX;
    return key;
}

// The smallest key above: objects first, then types, then offsets. False: there is none.
bool go_past(btrfs_ioctl_search_key& key, const Item& last) {
    key.min_objectid = last.object;
    key.min_type = last.type;
    key.min_offset = last.offset + 1;
    if (key.min_offset != 0) return true;
    if (++key.min_type <= UINT8_MAX) return true;
    key.min_type = 0;
    return ++key.min_objectid != 0;
}

}  // namespace

Result<void> search_tree(int fd, const Search& search,
                         const std::function<Result<void>(const Item&)>& visit) {
    std::vector<char> memory(sizeof(btrfs_ioctl_search_args_v2) + kBuffer);
    auto* arguments = reinterpret_cast<btrfs_ioctl_search_args_v2*>(memory.data());
    const char* buffer = memory.data() + sizeof(btrfs_ioctl_search_args_v2);
    arguments->key = first_key(search);
    for (bool more = true; more;) {
        arguments->key.nr_items = UINT32_MAX;
        arguments->buf_size = kBuffer;
        if (::ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, arguments) != 0)
            return os_error("search file system tree");
        if (arguments->key.nr_items == 0) return {};
        Item item;
        const char* at = buffer;
        for (std::uint32_t i = 0; i < arguments->key.nr_items; ++i) {
            btrfs_ioctl_search_header header;
            std::memcpy(&header, at, sizeof header);
            item = {header.objectid, header.type, header.offset, {at + sizeof header, header.len}};
            TRY(visit(item));
            at += sizeof header + header.len;
        }
        more = go_past(arguments->key, item);
    }
    return {};
}

}  // namespace davit::btrfs
