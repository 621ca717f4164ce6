// SPDX-License-Identifier: Apache-2.0
#include "core/container/mount_sources.hpp"

#include "sdk/base/mount.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace davit::container {

namespace {

// A missing source of -v becomes a directory, as users of docker expect. The path is the operator's
// own.
Result<void> make_source(const std::string& path) {
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST)
            return os_error("make bind source " + part);
        if (slash == std::string::npos) return {};
    }
}

Result<DetachedMount> bind(const Mount& mount) {
    const char* path = mount.source.c_str();
    Fd source(::open(path, O_PATH | O_CLOEXEC));
    if (!source && errno == ENOENT && mount.create_source) {
        TRY(make_source(mount.source));
        source = Fd(::open(path, O_PATH | O_CLOEXEC));
    }
    if (!source && errno == ENOENT)
        return fail(Code::invalid,
                    "invalid mount config for type \"bind\": bind source path does not exist: ",
                    mount.source);
    if (!source) return os_error("open bind source " + mount.source);
    return DetachedMount::clone(source.get(), "", mount.recursive ? Clone::tree : Clone::one)
        .context("bind ", mount.source);
}

}  // namespace

Result<Fd> open_mount(const Mount& mount, volume::Volumes& volumes) {
    const bool bound = mount.kind == MountKind::bind;
    auto opened = TRY(bound ? bind(mount) : volumes.mount(mount.source, mount.subpath));
    const bool below = bound && mount.recursive && mount.read_only_below == ReadOnlyBelow::all;
    if (mount.read_only)
        TRY(opened.set_attributes(MOUNT_ATTR_RDONLY, 0, below ? Clone::tree : Clone::one));
    return opened.release();
}

std::vector<const Mount*> in_order(const std::vector<Mount>& mounts) {
    std::vector<const Mount*> ordered;
    for (const Mount& mount : mounts) ordered.push_back(&mount);
    const auto depth = [](const Mount* mount) {
        return std::count(mount->target.begin(), mount->target.end(), '/');
    };
    std::stable_sort(ordered.begin(), ordered.end(),
                     [&](const Mount* a, const Mount* b) { return depth(a) < depth(b); });
    return ordered;
}

}  // namespace davit::container
