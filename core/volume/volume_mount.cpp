// SPDX-License-Identifier: Apache-2.0
// How a volume gets into a container: as a detached mount, never by the host's mount namespace.
#include "core/volume/file_system.hpp"
#include "core/volume/shared_mount.hpp"
#include "core/volume/volumes.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace davit::volume {

namespace {

// A part of what is mounted; links in it lead nowhere but inside the volume.
Result<DetachedMount> part_of(int root, const std::string& subpath) {
    if (subpath.starts_with('/'))
        return fail(Code::invalid, "subpath must be a relative path within the volume: ", subpath);
    const Fd place =
        TRY(open_in_root(root, subpath, O_PATH).context("cannot access path ", subpath));
    return DetachedMount::clone(place.get());
}

}  // namespace

Result<DetachedMount> Volumes::mount(const std::string& name, const std::string& subpath) {
    const Volume volume = TRY(find(name));
    auto options = TRY(read_options(volume.options));
    if (!options) {
        const Fd data =
            TRY(open_beneath(settings_.directory.get(), name + "/_data", O_RDONLY | O_DIRECTORY));
        return subpath.empty() ? DetachedMount::clone(data.get()) : part_of(data.get(), subpath);
    }
    auto mounted = options->lives_in_memory() ? mount_in_memory(volume)
                                              : mount_file_system(std::move(*options));
    if (!mounted) {
        Error error = std::move(mounted).error().context("failed to mount local volume ", name);
        if (error.code == Code::not_found) error.code = Code::invalid;  // not the volume is missing
        return error;
    }
    return subpath.empty() ? std::move(mounted) : part_of(mounted->fd(), subpath);
}

Result<DetachedMount> Volumes::mount_in_memory(const Volume& volume) {
    if (users_ && volume.device != 0)
        for (const User& user : users_(volume.name)) {
            if (!user.process) continue;
            auto shared = clone_from_process(user.process.get(), user.target, volume.device);
            if (shared) return shared;
        }
    auto options = TRY(read_options(volume.options));
    auto mounted = TRY(mount_file_system(std::move(*options)));
    TRY(remember_device(volume, mounted));
    return mounted;
}

// By it the next user knows the volume in a container that may have mounted other things.
Result<void> Volumes::remember_device(const Volume& volume, const DetachedMount& mount) {
    struct stat status {};
    if (::fstat(mount.fd(), &status) != 0) return os_error("look at volume " + volume.name);
    TRY(set_device(settings_.graph, volume.name, status.st_dev));
    std::lock_guard lock(mutex_);
    if (const auto known = by_name_.find(volume.name); known != by_name_.end())
        known->second.device = status.st_dev;
    return {};
}

Volumes::Turn Volumes::take_turn(const std::vector<std::string>& names) {
    const bool waits = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        const auto volume = find(name);
        if (!volume || volume->options.empty()) return false;
        const auto options = read_options(volume->options);
        return options && *options && (*options)->lives_in_memory();
    });
    return waits ? Turn(memory_turn_) : Turn();
}

}  // namespace davit::volume
