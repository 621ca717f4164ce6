// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/overlay/overlay_driver.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"
#include "sdk/plugin/storage_layer.hpp"

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

using sdk::Call;
using sdk::sized;
using sdk::str;
using sdk::text;

constexpr std::uint32_t kKnownMountFlags = DAVIT_STORAGE_READ_ONLY | DAVIT_STORAGE_VOLATILE;
const std::string kRebase = DAVIT_STORAGE_REBASE;
const std::string kQuota = DAVIT_STORAGE_QUOTA;
const std::string kNoQuota = "no: a directory of a shared file system has no limit of its own";
constexpr davit_ability kAbility = {sizeof(davit_ability), 0};

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

davit_storage_layer describe(const NamedLayer& named) {
    auto record = sized<davit_storage_layer>();
    record.state = static_cast<std::uint32_t>(named.layer.state);
    record.key = str(named.key);
    record.parent = str(named.layer.parent);
    return record;
}

Result<void> emit(const Call& call, const Finding& finding) {
    return sdk::emit_finding(call, finding.key, finding.text, finding.repaired);
}

std::string diff_of(const NamedLayer& named) {
    return LayerTree::path_of(named.layer.state, named.key) + "/diff";
}

}  // namespace

Result<std::unique_ptr<OverlayDriver>> OverlayDriver::open(const Call&, const davit_open& request) {
    Fd root = TRY(open_beneath(request.state_fd, ".", O_RDONLY | O_DIRECTORY));
    TRY(require_usable_file_system(root.get()));
    const MountForm form = TRY(choose_form(root.get(), request));
    auto layers = TRY(
        LayerTree::open(std::move(root), [host = sdk::Host(request.host)](const std::string& line) {
            host.log(DAVIT_LOG_WARNING, line);
        }));
    return std::unique_ptr<OverlayDriver>(new OverlayDriver(std::move(layers), form));
}

Result<void> OverlayDriver::probe(const Call& call, const davit_open& request) {
    TRY(require_usable_file_system(request.state_fd));
    Result<MountForm> form = probe_mount_form(request.state_fd);
    if (!form) return fail(Code::unsupported, "use overlay file system: ", form.error().what);
    auto rebase = sized<davit_probed>();
    rebase.available = 1;
    rebase.ability = str(kRebase);
    rebase.reason = str("");
    TRY(call.emit(rebase));
    auto quota = sized<davit_probed>();
    quota.ability = str(kQuota);
    quota.reason = str(kNoQuota);
    return call.emit(quota);
}

const void* OverlayDriver::ability(std::string_view id) {
    return id == DAVIT_STORAGE_REBASE ? &kAbility : nullptr;
}

Result<davit_storage_prepared> OverlayDriver::prepare(const Call&,
                                                      const davit_storage_prepare& request) {
    const std::string key = text(request.key);
    const std::string parent = text(request.parent);
    if (request.limit_bytes != 0 || request.limit_files != 0)
        return fail(Code::unsupported, "prepare ", key, ": limits cannot be enforced here");
    auto out = sized<davit_storage_prepared>();
    out.existed = TRY(layers_->add(key, parent).context("prepare " + key)) ? 1 : 0;
    out.view = parent.empty() ? DAVIT_STORAGE_BARE : DAVIT_STORAGE_MERGED;
    return out;
}

Result<davit_storage_mounted> OverlayDriver::mount(const Call&,
                                                   const davit_storage_mount& request) {
    const std::string key = text(request.key);
    if ((request.flags & ~kKnownMountFlags) != 0)
        return fail(Code::unsupported, "mount ", key,
                    ": it asks for a flag that this driver does not know");
    if (request.idmap_count != 0)
        return fail(Code::unsupported, "mount ", key, ": id maps are not offered by this driver");
    const std::vector<NamedLayer> chain = TRY(layers_->chain(key).context("mount " + key));
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
    const Fd diff = TRY(open_beneath(layers_->root(), diff_of(layer), O_PATH | O_DIRECTORY));
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
        if (plan.lowers.size() == 1) plan.lowers.push_back("empty");
        return mount_overlay(layers_->root(), plan, form_);
    }
    TRY(prepare_work_directory(top));
    plan.upper = std::move(plan.lowers.front());
    plan.lowers.erase(plan.lowers.begin());
    plan.work = LayerTree::path_of(top.layer.state, top.key) + "/work";
    plan.is_volatile = (request.flags & DAVIT_STORAGE_VOLATILE) != 0;
    DetachedMount mounted = TRY(mount_overlay(layers_->root(), plan, form_));
    layers_->set_volatile(top.key, plan.is_volatile);
    return mounted;
}

// The kernel refuses a layer that was mounted volatile before, since a crash may have cost it
// files. The host asked for that mount knowing so, and asks for the layer again: the mark has
// served.
Result<void> OverlayDriver::prepare_work_directory(const NamedLayer& layer) const {
    const std::string work = LayerTree::path_of(layer.layer.state, layer.key) + "/work";
    TRY(make_directory(layers_->root(), work));
    if (layer.layer.maybe_volatile)
        TRY(remove_tree(layers_->root(), work + "/work/incompat/volatile"));
    return {};
}

Result<void> OverlayDriver::release(const Call&, const davit_storage_key&) { return {}; }

Result<davit_storage_committed> OverlayDriver::commit(const Call&,
                                                      const davit_storage_commit& request) {
    const std::string key = text(request.key);
    auto out = sized<davit_storage_committed>();
    out.existed =
        TRY(layers_->commit(key, text(request.name), text(request.parent)).context("commit " + key))
            ? 1
            : 0;
    return out;
}

Result<void> OverlayDriver::remove(const Call&, const davit_storage_key& request) {
    const std::string key = text(request.key);
    return layers_->remove(key).context("remove " + key);
}

Result<void> OverlayDriver::stat(const Call& call, const davit_storage_key& request) {
    const std::string key = text(request.key);
    return call.emit(describe({key, TRY(layers_->find(key).context("stat " + key))}));
}

Result<void> OverlayDriver::list(const Call& call) {
    for (const NamedLayer& layer : layers_->list()) TRY(call.emit(describe(layer)));
    return {};
}

Result<davit_storage_space> OverlayDriver::usage(const Call& call,
                                                 const davit_storage_key& request) {
    const std::string key = text(request.key);
    const Layer layer = TRY(layers_->find(key).context("measure " + key));
    const Fd diff = TRY(open_beneath(layers_->root(), diff_of({key, layer}), O_RDONLY | O_DIRECTORY)
                            .context("measure " + key));
    return sdk::measure_layer(call, diff.get()).context("measure " + key);
}

Result<void> OverlayDriver::sync(const Call&) {
    if (::syncfs(layers_->root()) != 0) return os_error("sync layers");
    return {};
}

Result<void> OverlayDriver::retain(const Call& call, const davit_storage_retain& request) {
    std::vector<std::string_view> keys;
    for (std::uint64_t i = 0; i < request.key_count; ++i)
        keys.push_back(sdk::view(request.keys[i]));
    return layers_->retain(
        keys, [&] { return call.cancelled(); },
        [&](const Finding& finding) { return emit(call, finding); });
}

Result<void> OverlayDriver::check(const Call& call, const davit_storage_check& request) {
    const std::string key = text(request.key);
    const std::vector<Finding> findings =
        TRY(layers_->check(key, request.repair != 0).context("check " + key));
    bool all_mended = true;
    for (const Finding& finding : findings) {
        TRY(emit(call, finding));
        all_mended = all_mended && finding.repaired;
    }
    if (request.repair != 0 && !all_mended)
        return fail(Code::corrupt, "check ", key, ": damage that cannot be mended");
    return {};
}

}  // namespace davit::overlay
