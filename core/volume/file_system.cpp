// SPDX-License-Identifier: Apache-2.0
#include "core/volume/file_system.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>

#include <utility>

namespace davit::volume {

namespace {

Result<DetachedMount> bind(const FileSystem& wanted) {
    const Fd source = TRY(open_directory(wanted.device, O_PATH));
    const Clone what = wanted.recursive ? Clone::tree : Clone::one;
    auto mount = TRY(DetachedMount::clone(source.get(), "", what));
    if (wanted.attributes != 0) TRY(mount.set_attributes(wanted.attributes, 0, what));
    return mount;
}

}  // namespace

// A block device or an export that is mounted already gives a second mount of the same file system:
// that is how containers share it.
Result<DetachedMount> mount_file_system(FileSystem file_system) {
    if (file_system.bind) return bind(file_system);
    TRY(resolve_address(file_system));
    auto context = TRY(FsContext::open(file_system.type));
    TRY(context.set("source", file_system.device));
    for (const auto& [key, value] : file_system.settings)
        TRY(value ? context.set(key, *value) : context.set_flag(key));
    return context.mount(file_system.attributes);
}

}  // namespace davit::volume
