// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/btrfs/quota.hpp"

#include "drivers/storage/btrfs/subvolume.hpp"
#include "drivers/storage/btrfs/tree_search.hpp"
#include "sdk/base/undo.hpp"

#include <btrfsutil.h>
#include <endian.h>
#include <sys/ioctl.h>
#include <cerrno>

namespace davit::btrfs {
namespace {

// Not in the headers of Debian 12 (Linux 6.1).
constexpr std::uint64_t kEnableSimpleQuota = 4;   // BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA
constexpr std::uint64_t kSimpleMode = 1ULL << 3;  // BTRFS_QGROUP_STATUS_FLAG_SIMPLE_MODE
constexpr std::uint64_t kLevelShift = 48;         // level and id of a group in one number
constexpr std::uint64_t kOurLevel = 55831;        // 0xda17
constexpr std::uint64_t kIdMask = (1ULL << kLevelShift) - 1;

std::uint64_t group_of(std::uint64_t subvolume) { return kOurLevel << kLevelShift | subvolume; }

Result<void> change_group(int fd, std::uint64_t group, bool create) {
    btrfs_ioctl_qgroup_create_args arguments{};
    arguments.create = create ? 1 : 0;
    arguments.qgroupid = group;
    if (::ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &arguments) != 0)
        return os_error(create ? "create quota group" : "remove quota group");
    return {};
}

Result<void> change_membership(int fd, std::uint64_t subvolume, std::uint64_t group, bool join) {
    btrfs_ioctl_qgroup_assign_args arguments{};
    arguments.assign = join ? 1 : 0;
    arguments.src = subvolume;
    arguments.dst = group;
    if (::ioctl(fd, BTRFS_IOC_QGROUP_ASSIGN, &arguments) < 0)
        return os_error(join ? "join quota group" : "leave quota group");
    return {};
}

Result<void> set_limit(int fd, std::uint64_t group, std::uint64_t bytes) {
    btrfs_ioctl_qgroup_limit_args arguments{};
    arguments.qgroupid = group;
    arguments.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    arguments.lim.max_rfer = bytes;
    if (::ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &arguments) != 0) return os_error("set quota");
    return {};
}

bool is_gone(int fd, std::uint64_t subvolume) {
    struct btrfs_util_subvolume_info info {};
    return btrfs_util_subvolume_info_fd(fd, subvolume, &info) ==
           BTRFS_UTIL_ERROR_SUBVOLUME_NOT_FOUND;
}

}  // namespace

Result<std::string> why_no_quota(int fd) {
    std::uint64_t flags = 0;
    const auto read = search_tree(fd,
                                  {.tree = BTRFS_QUOTA_TREE_OBJECTID,
                                   .last_object = 0,
                                   .first_type = BTRFS_QGROUP_STATUS_KEY,
                                   .last_type = BTRFS_QGROUP_STATUS_KEY},
                                  [&](const Item& item) -> Result<void> {
                                      const auto status = item.as<btrfs_qgroup_status_item>();
                                      if (status) flags = le64toh(status->flags);
                                      return {};
                                  });
    if (!read && read.error().code != Code::not_found) return read.error();
    if ((flags & BTRFS_QGROUP_STATUS_FLAG_ON) == 0)
        return std::string(
            "no: quotas are off in this file system; \"quota\": \"enable\" switches them on");
    if ((flags & kSimpleMode) == 0)
        return std::string(
            "no: this file system has quotas of the older kind, which a subvolume made inside a "
            "layer escapes; simple ones are needed (btrfs quota enable --simple)");
    return std::string();
}

Result<void> enable_quota(int fd) {
    const std::string missing = TRY(why_no_quota(fd));
    if (missing.empty()) return {};
    btrfs_ioctl_quota_ctl_args arguments{};
    arguments.cmd = kEnableSimpleQuota;
    if (::ioctl(fd, BTRFS_IOC_QUOTA_CTL, &arguments) == 0 && TRY(why_no_quota(fd)).empty())
        return {};
    if (errno == EINVAL)
        return fail(Code::unsupported, "enable quota: simple quotas need Linux 6.7");
    return fail(Code::unsupported, "enable quota: ", TRY(why_no_quota(fd)));
}

Result<void> limit_subvolume(int subvolume, std::uint64_t bytes) {
    if (const std::string missing = TRY(why_no_quota(subvolume)); !missing.empty())
        return fail(Code::unsupported, "limit layer: ", missing);
    const std::uint64_t id = TRY(subvolume_id(subvolume));
    TRY(change_group(subvolume, group_of(id), true));
    Undo remove([&] { (void)change_group(subvolume, group_of(id), false); });
    TRY(set_limit(subvolume, group_of(id), bytes));
    TRY(change_membership(subvolume, id, group_of(id), true));
    remove.keep();
    return {};
}

Result<std::vector<std::uint64_t>> limited_subvolumes(int fd) {
    std::vector<std::uint64_t> ids;
    const auto read = search_tree(fd,
                                  {.tree = BTRFS_QUOTA_TREE_OBJECTID,
                                   .last_object = 0,
                                   .first_type = BTRFS_QGROUP_INFO_KEY,
                                   .last_type = BTRFS_QGROUP_INFO_KEY,
                                   .first_offset = group_of(0),
                                   .last_offset = group_of(kIdMask)},
                                  [&](const Item& item) -> Result<void> {
                                      ids.push_back(item.offset & kIdMask);
                                      return {};
                                  });
    if (!read && read.error().code != Code::not_found) return read.error();
    return ids;
}

Result<void> remove_stale_limits(int fd) {
    for (const std::uint64_t id : TRY(limited_subvolumes(fd))) {
        if (!is_gone(fd, id)) continue;
        (void)change_membership(fd, id, group_of(id), false);
        (void)change_group(fd, id, false);  // newer kernels have removed it with the subvolume
        (void)change_group(fd, group_of(id), false);
    }
    return {};
}

}  // namespace davit::btrfs
