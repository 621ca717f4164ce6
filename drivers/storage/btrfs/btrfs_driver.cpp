// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/btrfs/btrfs_driver.hpp"

#include "drivers/storage/btrfs/btrfs_files.hpp"
#include "drivers/storage/btrfs/quota.hpp"
#include "drivers/storage/btrfs/subvolume.hpp"
#include "sdk/base/json.hpp"
#include "sdk/base/mount.hpp"
#include "sdk/base/userns.hpp"
#include "sdk/plugin/storage_layer.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <boost/json.hpp>

namespace davit::btrfs {
namespace {

using layers::LayerTree;
using layers::NamedLayer;
using layers::State;
using sdk::Call;
using sdk::sized;
using sdk::text;

Result<void> require_btrfs(int root) {
    struct statfs status {};
    if (::fstatfs(root, &status) != 0) return os_error("stat file system");
    if (status.f_type == BTRFS_SUPER_MAGIC) return {};
    return fail(Code::unsupported, "look at file system: data-root does not lie on btrfs");
}

Result<bool> wants_quota(const davit_open& request) {
    const auto config = TRY(json::parse_object(
        sdk::view(request.config).empty() ? "{}" : sdk::view(request.config), "configuration"));
    const std::string quota = TRY(json::get_string(config, "quota", "as-is"));
    if (quota == "as-is" || quota == "enable") return quota == "enable";
    return fail(Code::invalid, "read quota: it is as-is or enable, not ", quota);
}

Result<void> map_ids(DetachedMount& mounted, const davit_storage_mount& request) {
    if (request.idmap_count == 0) return {};
    std::vector<IdRange> users, groups;
    for (std::uint64_t i = 0; i < request.idmap_count; ++i) {
        const davit_idmap& map = request.idmaps[i];
        (map.is_group != 0 ? groups : users).push_back({map.container, map.host, map.count});
    }
    const Fd name_space = TRY(make_user_namespace(users, groups));
    return mounted.set_idmap(name_space.get());
}

}  // namespace

Result<std::unique_ptr<BtrfsDriver>> BtrfsDriver::open(const Call&, const davit_open& request) {
    Fd root = TRY(open_beneath(request.state_fd, ".", O_RDONLY | O_DIRECTORY));
    TRY(require_btrfs(root.get()));
    if (TRY(wants_quota(request))) TRY(enable_quota(root.get()));
    const bool quota = TRY(why_no_quota(root.get())).empty();
    const auto warn = [host = sdk::Host(request.host)](const std::string& line) {
        host.log(DAVIT_LOG_WARNING, line);
    };
    auto tree = TRY(LayerTree::open(std::move(root), std::make_unique<BtrfsFiles>(), warn));
    return std::unique_ptr<BtrfsDriver>(new BtrfsDriver(std::move(tree), quota));
}

Result<void> BtrfsDriver::probe(const Call& call, const davit_open& request) {
    TRY(require_btrfs(request.state_fd));
    TRY(layers::emit_ability(call, DAVIT_STORAGE_REBASE,
                             "no: a snapshot is taken of the parent, so that comes first"));
    const bool will_enable = TRY(wants_quota(request));
    return layers::emit_ability(call, DAVIT_STORAGE_QUOTA,
                                will_enable ? "" : TRY(why_no_quota(request.state_fd)));
}

const void* BtrfsDriver::ability(std::string_view id) {
    return id == DAVIT_STORAGE_QUOTA && quota_ ? &layers::kAbility : nullptr;
}

// A container's root is not the host's mount: what the operator forbids there (nosuid, nodev,
// noexec) would break it, and its own limits come from the exec driver.
Result<davit_storage_mounted> BtrfsDriver::mount(const Call&, const davit_storage_mount& request) {
    const std::string key = text(request.key);
    TRY(layers::require_known_flags(request));
    const NamedLayer layer{key, TRY(layers().find(key).context("mount ", key))};
    const Fd diff = TRY(open_beneath(layers().root(), diff_of(layer), O_RDONLY | O_DIRECTORY)
                            .context("mount ", key));
    const bool prepared = layer.layer.state == State::prepared;
    const bool writable = prepared && (request.flags & DAVIT_STORAGE_READ_ONLY) == 0;
    if (prepared && TRY(is_read_only(diff.get())))  // a commit that never came to its rename
        TRY(set_read_only(diff.get(), false).context("mount ", key));
    DetachedMount mounted = TRY(DetachedMount::clone(diff.get()).context("mount ", key));
    TRY(mounted.set_attributes(writable ? 0 : MOUNT_ATTR_RDONLY,
                               MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    TRY(map_ids(mounted, request).context("mount ", key));
    auto out = sized<davit_storage_mounted>();
    out.mount_fd = mounted.release().release();
    return out;
}

// A layer without parent is what du(1) counts. Over a parent everything is in the subvolume, so its
// own share is what was written after the snapshot; for that it has to be on disk.
Result<davit_storage_space> BtrfsDriver::measure(const Call& call, const NamedLayer& layer) const {
    const Fd diff = TRY(open_beneath(layers().root(), diff_of(layer), O_RDONLY | O_DIRECTORY));
    if (layer.layer.parent.empty()) return sdk::measure_layer(call, diff.get());
    if (::syncfs(diff.get()) != 0) return os_error("sync layer");
    return measure_changes(call, diff.get());
}

Result<void> BtrfsDriver::retain(const Call& call, const davit_storage_retain& request) {
    TRY(TreeDriver::retain(call, request));
    if (quota_) TRY(remove_stale_limits(layers().root()));
    return {};
}

}  // namespace davit::btrfs
