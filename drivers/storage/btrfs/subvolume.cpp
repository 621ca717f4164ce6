// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/btrfs/subvolume.hpp"

#include "drivers/storage/btrfs/tree_search.hpp"

#include <btrfsutil.h>
#include <endian.h>
#include <cerrno>

namespace davit::btrfs {
namespace {

constexpr std::uint64_t kStatBlock = 512;  // what du(1) counts in

// libbtrfsutil leaves errno as the kernel set it; what it finds itself sets none.
Result<void> outcome(btrfs_util_error error, std::string_view doing) {
    if (error == BTRFS_UTIL_OK) return {};
    if (error == BTRFS_UTIL_ERROR_NOT_BTRFS || error == BTRFS_UTIL_ERROR_NOT_SUBVOLUME)
        return fail(Code::invalid, doing, ": ", btrfs_util_strerror(error));
    if (error == BTRFS_UTIL_ERROR_SUBVOLUME_NOT_FOUND)
        return fail(Code::not_found, doing, ": ", btrfs_util_strerror(error));
    return os_error(doing);
}

std::uint64_t round_up(std::uint64_t bytes) {
    return (bytes + kStatBlock - 1) / kStatBlock * kStatBlock;
}

// Bytes that an extent written after `since` holds for its file: as du(1) would count it, holes and
// data of the parent left out.
std::uint64_t own_bytes(const Item& item, std::uint64_t since) {
    constexpr std::size_t kInlineHeader = offsetof(btrfs_file_extent_item, disk_bytenr);
    btrfs_file_extent_item extent{};
    if (item.data.size() < kInlineHeader) return 0;
    std::memcpy(&extent, item.data.data(), std::min(item.data.size(), sizeof extent));
    if (le64toh(extent.generation) <= since) return 0;
    if (extent.type == BTRFS_FILE_EXTENT_INLINE) return round_up(le64toh(extent.ram_bytes));
    if (item.data.size() < sizeof extent || extent.disk_bytenr == 0) return 0;
    return le64toh(extent.num_bytes);
}

}  // namespace

Result<void> create_subvolume(int directory, const std::string& name) {
    return outcome(btrfs_util_create_subvolume_fd(directory, name.c_str(), 0, nullptr, nullptr),
                   "create subvolume");
}

Result<void> snapshot_subvolume(int source, int directory, const std::string& name) {
    return outcome(
        btrfs_util_create_snapshot_fd2(source, directory, name.c_str(), 0, nullptr, nullptr),
        "take snapshot");
}

Result<void> delete_subvolume(int directory, const std::string& name) {
    return outcome(btrfs_util_delete_subvolume_fd(directory, name.c_str(),
                                                  BTRFS_UTIL_DELETE_SUBVOLUME_RECURSIVE),
                   "delete subvolume " + name);
}

bool is_subvolume(int directory) { return btrfs_util_is_subvolume_fd(directory) == BTRFS_UTIL_OK; }

Result<std::uint64_t> subvolume_id(int subvolume) {
    std::uint64_t id = 0;
    TRY(outcome(btrfs_util_subvolume_id_fd(subvolume, &id), "find subvolume"));
    return id;
}

Result<bool> is_read_only(int subvolume) {
    bool read_only = false;
    TRY(outcome(btrfs_util_get_subvolume_read_only_fd(subvolume, &read_only), "look at subvolume"));
    return read_only;
}

Result<void> set_read_only(int subvolume, bool read_only) {
    return outcome(btrfs_util_set_subvolume_read_only_fd(subvolume, read_only),
                   read_only ? "make subvolume read-only" : "make subvolume writable");
}

// A snapshot is taken in transaction `otransid` and ends it: whatever is newer was written here.
Result<davit_storage_space> measure_changes(const sdk::Call& call, int subvolume) {
    struct btrfs_util_subvolume_info info {};
    TRY(outcome(btrfs_util_subvolume_info_fd(subvolume, 0, &info), "look at subvolume"));
    auto space = sdk::sized<davit_storage_space>();
    space.files = 1;
    std::uint64_t counted = BTRFS_FIRST_FREE_OBJECTID;  // the root
    const auto count = [&](const Item& item) -> Result<void> {
        bool is_own = false;
        if (item.type == BTRFS_EXTENT_DATA_KEY) {
            const std::uint64_t bytes = own_bytes(item, info.otransid);
            space.bytes += bytes;
            is_own = bytes != 0;
        } else if (item.type == BTRFS_INODE_ITEM_KEY) {
            const auto inode = item.as<btrfs_inode_item>();
            is_own = inode && le64toh(inode->generation) > info.otransid;
        }
        if (is_own && counted != item.object) {
            counted = item.object;
            ++space.files;
            return call.check("measure layer");
        }
        return {};
    };
    TRY(call.check("measure layer"));
    TRY(search_tree(subvolume,
                    {.first_object = BTRFS_FIRST_FREE_OBJECTID,
                     .last_object = BTRFS_LAST_FREE_OBJECTID,
                     .since = info.otransid},
                    count));
    return space;
}

}  // namespace davit::btrfs
