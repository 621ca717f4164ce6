// SPDX-License-Identifier: Apache-2.0
// The volumes of a container: found or made when it is created, told of while it runs, removed with
// it where they are its own.
#include "core/container/volume_use.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace davit::container {

namespace {

bool is_mounted(const std::vector<Mount>& mounts, const std::string& target) {
    return std::any_of(mounts.begin(), mounts.end(),
                       [&](const Mount& mount) { return mount.target == target; });
}

// Those of another container, except where this one has its own.
void inherit(const VolumesFrom& from, const Container& other, std::vector<Mount>& mounts) {
    for (Mount mount : other.config().mounts) {
        if (mount.kind == MountKind::tmpfs || is_mounted(mounts, mount.target)) continue;
        mount.read_only = mount.read_only || from.read_only;
        mount.copy = false;
        mounts.push_back(std::move(mount));
    }
}

Result<void> check_source(const Mount& mount) {
    if (mount.kind != MountKind::bind || mount.create_source) return {};
    struct stat status {};
    if (::stat(mount.source.c_str(), &status) == 0 || errno != ENOENT) return {};
    return fail(
        Code::invalid,
        "invalid mount config for type \"bind\": bind source path does not exist: ", mount.source);
}

}  // namespace

Result<void> VolumeUse::gather(const Containers& containers, const Mounts& asked,
                               std::vector<Mount>& mounts) {
    mounts = asked.list;
    for (const Mount& mount : mounts) TRY(check_source(mount));
    for (const VolumesFrom& from : asked.from)
        inherit(from, *TRY(containers.find(from.container)), mounts);
    for (const std::string& place : asked.places)
        if (!is_mounted(mounts, place))
            mounts.push_back({.kind = MountKind::volume, .target = place, .anonymous = true});
    return {};
}

Result<void> VolumeUse::make(std::vector<Mount>& mounts) {
    for (Mount& mount : mounts) {
        if (mount.kind != MountKind::volume) continue;
        const volume::Wanted wanted{.name = mount.source,
                                    .driver = mount.driver,
                                    .labels = mount.labels,
                                    .options = mount.driver_options};
        if (!mount.source.empty()) {
            pins_.push_back(volumes_.pin(mount.source));
            TRY(volumes_.create(wanted));
            continue;
        }
        mount.source = TRY(volumes_.create_for(container_, wanted)).name;
        made_.push_back(mount.source);
        pins_.push_back(volumes_.pin(mount.source));
    }
    return {};
}

Result<bool> VolumeUse::wants_content(const Mount& mount) const {
    if (mount.kind != MountKind::volume || !mount.copy || !mount.subpath.empty()) return false;
    const auto volume = TRY(volumes_.find(mount.source));
    const auto options = TRY(volume::read_options(volume.options));
    if (options && options->lives_in_memory()) return false;  // it would not see the start
    const auto mounted = TRY(volumes_.mount(mount.source));
    const Fd top(::openat(mounted.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top) return os_error("look into volume " + mount.source);
    return TRY(list_names(top.get())).empty();
}

// Rule R-41: the image's path is resolved inside the image, and read by the archiver.
Result<void> VolumeUse::fill(const std::vector<Mount>& mounts, const Layer& layer,
                             const std::shared_ptr<Cancel>& cancel) {
    for (const Mount& mount : mounts) {
        if (layer.key.empty() || !TRY(wants_content(mount))) continue;
        sdk::Caller call(cancel);
        Fd root = TRY(layer.storage.mount(call, layer.key, DAVIT_STORAGE_READ_ONLY));
        const auto there = open_in_root(root.get(), mount.target, O_RDONLY | O_DIRECTORY);
        if (!there) {
            if (there.error().os_errno == ENOTDIR && mount.anonymous)
                return fail(Code::invalid, "cannot mount volume over existing file, file exists ",
                            mount.target);
            continue;
        }
        TRY(archiver_
                .copy({.root = std::move(root)}, mount.target,
                      {.root = TRY(volumes_.mount(mount.source)).release()}, cancel)
                .context("copy what the image has at ", mount.target));
    }
    return {};
}

Result<void> VolumeUse::keep() {
    for (const std::string& name : std::exchange(made_, {})) TRY(volumes_.settle(name));
    return {};
}

VolumeUse::~VolumeUse() {
    pins_.clear();
    for (const std::string& name : made_) (void)volumes_.remove(name);
}

void Containers::publish_volumes(const Container& container, const std::string& action) const {
    for (const Mount& mount : container.config().mounts) {
        if (mount.kind != MountKind::volume) continue;
        event::Event event{.type = "volume", .action = action, .id = mount.source};
        event.attributes = {{"container", container.id()}, {"driver", volume::kLocalDriver}};
        if (action == "mount") {
            event.attributes["destination"] = mount.target;
            event.attributes["propagation"] = mount.propagation;
            event.attributes["read/write"] = mount.read_only ? "false" : "true";
        }
        services_.events.publish(std::move(event));
    }
}

void Containers::remove_volumes(const Container& container) const {
    for (const Mount& mount : container.config().mounts)
        if (mount.kind == MountKind::volume && mount.anonymous)
            (void)services_.volumes.remove(mount.source);  // used by another: it stays
}

std::vector<volume::User> Containers::users_of_volume(const std::string& name) const {
    std::vector<volume::User> users;
    for (const ContainerPtr& container : list())
        for (const Mount& mount : container->config().mounts)
            if (mount.kind == MountKind::volume && mount.source == name) {
                users.push_back({container->id(), mount.target, container->process()});
                break;
            }
    return users;
}

}  // namespace davit::container
