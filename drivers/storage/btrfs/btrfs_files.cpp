// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/btrfs/btrfs_files.hpp"

#include "drivers/storage/btrfs/quota.hpp"
#include "drivers/storage/btrfs/subvolume.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace davit::btrfs {
namespace {

constexpr char kDiff[] = "diff";

Result<Fd> open_diff(int root, const std::string& layer) {
    return open_beneath(root, layer + "/" + kDiff, O_RDONLY | O_DIRECTORY);
}

Result<void> make_empty(int layer) {
    TRY(create_subvolume(layer, kDiff));
    if (::fchmodat(layer, kDiff, layers::kRootMode, 0) != 0) return os_error("set mode of layer");
    return {};
}

}  // namespace

Result<void> BtrfsFiles::make(const layers::NewFiles& files) const {
    if (files.limits.files != 0)
        return fail(Code::unsupported, "limit layer: btrfs counts bytes, not files");
    const Fd layer = TRY(open_beneath(files.root, files.layer, O_RDONLY | O_DIRECTORY));
    if (files.parent.empty()) {
        TRY(make_empty(layer.get()));
    } else {
        const Fd parent = TRY(open_diff(files.root, files.parent));
        TRY(snapshot_subvolume(parent.get(), layer.get(), kDiff));
    }
    if (files.limits.bytes == 0) return {};
    TRY(remove_stale_limits(layer.get()));
    return limit_subvolume(TRY(open_diff(files.root, files.layer)).get(), files.limits.bytes);
}

Result<void> BtrfsFiles::seal(int root, const std::string& layer) const {
    return set_read_only(TRY(open_diff(root, layer)).get(), true);
}

// The subvolume goes by one call, whatever it holds; what is left of the layer are a few names.
Result<void> BtrfsFiles::remove(int directory, const std::string& name,
                                const StopFlag& stop) const {
    const Result<Fd> layer = open_beneath(directory, name, O_RDONLY | O_DIRECTORY);
    if (layer) {
        const Result<void> deleted = delete_subvolume(layer->get(), kDiff);
        if (!deleted && deleted.error().code != Code::not_found &&
            deleted.error().code != Code::invalid)
            return deleted;
    }
    return remove_tree(directory, name, stop);
}

std::string BtrfsFiles::damage(int root, const std::string& layer, layers::State state) const {
    const Result<Fd> diff = open_diff(root, layer);
    if (!diff || !is_subvolume(diff->get())) return "its subvolume is missing";
    const bool sealed = is_read_only(diff->get()).value_or(false);
    return state == layers::State::committed && !sealed ? "its subvolume is writable" : "";
}

}  // namespace davit::btrfs
