// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/overlay/overlay_driver.hpp"

#include "drivers/storage/overlay/overlay_files.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <boost/json.hpp>
#include <cerrno>

namespace davit::overlay {
namespace {

using layers::LayerTree;
using layers::NamedLayer;
using layers::State;
using sdk::Call;
using sdk::sized;
using sdk::text;

constexpr char kNoQuota[] = "no: a directory of a shared file system has no limit of its own";

// "mount-api": "auto" asks the kernel; "thread" forces the form for older kernels.
Result<MountForm> choose_form(int root, const davit_open& request) {
    const auto config = TRY(json::parse_object(
        sdk::view(request.config).empty() ? "{}" : sdk::view(request.config), "configuration"));
    const std::string choice = TRY(json::get_string(config, "mount-api", "auto"));
    const MountForm best = TRY(probe_mount_form(root));
    if (choice == "auto") return best;
    if (choice == "thread") return MountForm::thread;
    return fail(Code::invalid, "read mount-api: it is auto or thread, not ", choice);
}

// An overlay's upper directory cannot lie on another overlay, nor on a file system without extended
// attributes.
Result<void> require_usable_file_system(int root) {
    struct statfs status {};
    if (::fstatfs(root, &status) != 0) return os_error("stat file system");
    if (status.f_type == OVERLAYFS_SUPER_MAGIC)
        return fail(Code::unsupported,
                    "look at file system: overlay cannot be stacked on an overlay; put data-root "
                    "on another file system");
    if (status.f_type == NFS_SUPER_MAGIC || status.f_type == MSDOS_SUPER_MAGIC)
        return fail(
            Code::unsupported,
            "look at file system: it cannot carry an overlay's upper directory (NFS or FAT)");
    return {};
}

}  // namespace

Result<std::unique_ptr<OverlayDriver>> OverlayDriver::open(const Call&, const davit_open& request) {
    Fd root = TRY(open_beneath(request.state_fd, ".", O_RDONLY | O_DIRECTORY));
    TRY(require_usable_file_system(root.get()));
    const MountForm form = TRY(choose_form(root.get(), request));
    TRY(make_overlay_directories(root.get()));
    const auto warn = [host = sdk::Host(request.host)](const std::string& line) {
        host.log(DAVIT_LOG_WARNING, line);
    };
    auto tree = TRY(LayerTree::open(std::move(root), std::make_unique<OverlayFiles>(), warn));
    return std::unique_ptr<OverlayDriver>(new OverlayDriver(std::move(tree), form));
}

Result<void> OverlayDriver::probe(const Call& call, const davit_open& request) {
    TRY(require_usable_file_system(request.state_fd));
    Result<MountForm> form = probe_mount_form(request.state_fd);
    if (!form) return fail(Code::unsupported, "use overlay file system: ", form.error().what);
    TRY(layers::emit_ability(call, DAVIT_STORAGE_REBASE, ""));
    return layers::emit_ability(call, DAVIT_STORAGE_QUOTA, kNoQuota);
}

const void* OverlayDriver::ability(std::string_view id) {
    return id == DAVIT_STORAGE_REBASE ? &layers::kAbility : nullptr;
}

Result<davit_storage_mounted> OverlayDriver::mount(const Call&,
                                                   const davit_storage_mount& request) {
    const std::string key = text(request.key);
    TRY(layers::require_known_flags(request));
    if (request.idmap_count != 0)
        return fail(Code::unsupported, "mount ", key, ": id maps are not offered by this driver");
    const std::vector<NamedLayer> chain = TRY(layers().chain(key).context("mount " + key));
    const NamedLayer& top = chain.front();
    const bool is_bare = top.layer.state == State::prepared && top.layer.parent.empty();
    DetachedMount mounted =
        TRY((is_bare ? mount_bare(top, (request.flags & DAVIT_STORAGE_READ_ONLY) != 0)
                     : mount_merged(chain, request))
                .context("mount " + key));
    auto out = sized<davit_storage_mounted>();
    out.mount_fd = mounted.release().release();
    return out;
}

Result<DetachedMount> OverlayDriver::mount_bare(const NamedLayer& layer, bool read_only) const {
    const Fd diff = TRY(open_beneath(layers().root(), diff_of(layer), O_PATH | O_DIRECTORY));
    DetachedMount mounted = TRY(DetachedMount::clone(diff.get()));
    if (read_only) TRY(mounted.set_attributes(MOUNT_ATTR_RDONLY));
    return mounted;
}

// A read-only view has lowers only, also of a prepared layer: two superblocks over one upper
// directory are undefined behaviour, and the host may show the key read-write at the same time. An
// overlay without upper wants two lowers, and only an overlay hides the marks of deletions; so the
// empty layer lies at the bottom.
Result<DetachedMount> OverlayDriver::mount_merged(const std::vector<NamedLayer>& chain,
                                                  const davit_storage_mount& request) {
    const NamedLayer& top = chain.front();
    const bool writable =
        top.layer.state == State::prepared && (request.flags & DAVIT_STORAGE_READ_ONLY) == 0;
    OverlayPlan plan;
    for (const NamedLayer& layer : chain) plan.lowers.push_back(diff_of(layer));
    if (!writable) {
        if (plan.lowers.size() == 1) plan.lowers.push_back(kEmptyLayer);
        return mount_overlay(layers().root(), plan, mount_form_);
    }
    TRY(prepare_work_directory(top));
    plan.upper = std::move(plan.lowers.front());
    plan.lowers.erase(plan.lowers.begin());
    plan.work = LayerTree::path_of(top.layer.state, top.key) + "/work";
    plan.is_volatile = (request.flags & DAVIT_STORAGE_VOLATILE) != 0;
    DetachedMount mounted = TRY(mount_overlay(layers().root(), plan, mount_form_));
    layers().set_volatile(top.key, plan.is_volatile);
    return mounted;
}

// The kernel refuses a layer that was mounted volatile before, since a crash may have cost it
// files. The host asked for that mount knowing so, and asks for the layer again: the mark has
// served.
Result<void> OverlayDriver::prepare_work_directory(const NamedLayer& layer) const {
    const std::string work = LayerTree::path_of(layer.layer.state, layer.key) + "/work";
    TRY(make_directory(layers().root(), work));
    if (layer.layer.maybe_volatile)
        TRY(remove_tree(layers().root(), work + "/work/incompat/volatile"));
    return {};
}

}  // namespace davit::overlay
