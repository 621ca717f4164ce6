// SPDX-License-Identifier: Apache-2.0
// A container's root file system, from a detached mount to "/": attached, furnished, masked,
// entered. Everything is reached by descriptors below the root; no path of the host is used after
// `attach` (rule R-16). Used by the launcher's child and the unpacker, alone in a mount namespace
// of their own.
#pragma once

#include "sdk/base/mount.hpp"
#include "sdk/container/mount_point.hpp"

#include <sys/types.h>
#include <cstdint>
#include <optional>
#include <string>

namespace davit::sdk {

struct DeviceNode {
    std::string path;  // absolute, inside
    mode_t mode = 0;   // S_IFCHR or S_IFBLK or S_IFIFO, and permissions
    dev_t number = 0;
    uid_t uid = 0;
    gid_t gid = 0;
};

class Root {
public:
    // Cuts this mount namespace off from its parent's events (MS_SLAVE or MS_PRIVATE in
    // `propagation`) and attaches `detached` over the host's /dev, which a container has no use
    // for. Nothing of the host is changed.
    static Result<Root> attach(Fd detached, unsigned long propagation);

    int fd() const { return root_.get(); }
    // "/" of the container for lookups as from inside.
    Result<Fd> open(const std::string& path, int flags) const;

    // Mounts over `path`, which is made when it is missing. For file systems of the kernel
    // (`no_links`) a symbolic link anywhere in the path is refused (rules ).
    struct Place {
        std::string path;
        PointKind kind = PointKind::directory;
        bool no_links = false;
    };
    Result<void> mount(const DetachedMount& mount, const Place& place) const;

    // Devices are made, or, with `bind`, are the host's own nodes shown inside (a user namespace
    // may not make any).
    Result<void> make_device(const DeviceNode& node) const;
    Result<void> bind_device(const DeviceNode& node) const;
    // A symbolic link in an existing directory of the root; one of that name is left as it is.
    Result<void> make_link(const std::string& path, const std::string& target) const;

    // Hides a path: files behind the host's null device, directories behind one shared empty
    // read-only directory (rule R-13). An absent path is OK.
    Result<void> mask(const std::string& path);
    // Makes a path read-only, with all that is mounted below. An absent path is OK.
    Result<void> make_read_only(const std::string& path) const;

    // Makes the root "/" of this process, and takes every mount of the host away.
    Result<void> enter() const;

private:
    Root(Fd root, Fd host_devices)
        : root_(std::move(root)), host_devices_(std::move(host_devices)) {}
    Result<Fd> make_parent(const std::string& path, std::string& name) const;
    Result<void> mask_directory(int directory);
    Result<void> mask_file(int file, const std::string& path) const;

    Fd root_;
    Fd host_devices_;
    Fd empty_directory_;  // where the shared empty directory is attached first
};

// Sets MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE for an attached mount, with MS_REC for all
// below it.
Result<void> set_propagation(int mount, unsigned long propagation);

}  // namespace davit::sdk
