// SPDX-License-Identifier: Apache-2.0
// Items of a btrfs tree in the order of their keys, by BTRFS_IOC_TREE_SEARCH_V2. Needs
// CAP_SYS_ADMIN. One use, one thread.
#pragma once

#include "sdk/base/result.hpp"

#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>

namespace davit::btrfs {

struct Item {
    std::uint64_t object = 0;
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
    std::string_view data;  // valid during the visit

    // Its content as one of the kernel's structures; nothing when it is shorter.
    template <class Content>
    std::optional<Content> as() const {
        if (data.size() < sizeof(Content)) return std::nullopt;
        Content content;
        std::memcpy(&content, data.data(), sizeof content);
        return content;
    }
};

struct Search {
    std::uint64_t tree = 0;  // 0: of the subvolume that the descriptor is in
    std::uint64_t first_object = 0, last_object = UINT64_MAX;
    std::uint32_t first_type = 0, last_type = UINT8_MAX;
    std::uint64_t first_offset = 0, last_offset = UINT64_MAX;
    std::uint64_t since = 0;  // leaves that were written before this transaction are left out
};

// Calls `visit` for each item between the first key and the last, those in between with other types
// included. Errors: not_found when there is no such tree; those of `visit`.
Result<void> search_tree(int fd, const Search& search,
                         const std::function<Result<void>(const Item&)>& visit);

}  // namespace davit::btrfs
