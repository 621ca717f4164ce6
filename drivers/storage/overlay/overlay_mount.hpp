// SPDX-License-Identifier: Apache-2.0
// Makes a detached overlay mount in one of two forms, whatever the kernel offers. Used by
// OverlayDriver. Thread-safe. Nothing is ever mounted in the mount namespace of the process.
#pragma once

#include "sdk/base/mount.hpp"
#include "sdk/base/result.hpp"

#include <string>
#include <vector>

namespace davit::overlay {

// Directories are relative to the instance's directory.
struct OverlayPlan {
    std::vector<std::string> lowers;  // topmost first, at least one
    std::string upper;                // empty: read-only, lowers alone
    std::string work;                 // on the file system of `upper`
    bool is_volatile = false;
};

// descriptors: fsopen(2) with lowerdir+ by descriptor (Linux 6.13). thread: mount(2) with short
// link names on a thread in a mount namespace of its own, then open_tree(2).
enum class MountForm { descriptors, thread };

// The newest form that this kernel knows. Asked with a descriptor: Linux 6.1 accepts the option as
// a string and fails later. Errors: unsupported when there is no overlay file system at all;
// denied.
Result<MountForm> probe_mount_form(int root);

Result<DetachedMount> mount_overlay(int root, const OverlayPlan& plan, MountForm form);

}  // namespace davit::overlay
