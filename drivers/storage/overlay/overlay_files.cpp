// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/overlay/overlay_files.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace davit::overlay {
namespace {

using layers::kRootMode;

// The root directory of a merged view is the upper one: owner and mode have to be those of the
// parent.
Result<void> match_root_of_parent(int root, const std::string& diff, const std::string& parent) {
    struct stat below {};
    if (::fstatat(root, parent.c_str(), &below, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("stat " + parent);
    if ((below.st_mode & 07777) == kRootMode && below.st_uid == 0 && below.st_gid == 0) return {};
    const Fd directory = TRY(open_beneath(root, diff, O_RDONLY | O_DIRECTORY));
    if (::fchown(directory.get(), below.st_uid, below.st_gid) != 0)
        return os_error("set owner of layer");
    if (::fchmod(directory.get(), below.st_mode & 07777) != 0) return os_error("set mode of layer");
    return {};
}

}  // namespace

Result<void> make_overlay_directories(int root) {
    TRY(make_directory(root, "links"));
    return make_directory(root, kEmptyLayer, kRootMode);
}

Result<void> OverlayFiles::make(const layers::NewFiles& files) const {
    if (files.limits.bytes != 0 || files.limits.files != 0)
        return fail(Code::unsupported,
                    "limit layer: a directory of a shared file system has no limit of its own");
    const std::string diff = files.layer + "/diff";
    TRY(make_directory(files.root, diff, kRootMode));
    if (files.parent.empty()) return {};
    return match_root_of_parent(files.root, diff, files.parent + "/diff");
}

}  // namespace davit::overlay
