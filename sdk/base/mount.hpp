// SPDX-License-Identifier: Apache-2.0
// Mounts as descriptors: made detached, handed on, attached once, never in the host's mount
// namespace. Used by storage drivers, the launcher and the unpacker. Needs CAP_SYS_ADMIN. One owner
// at a time.
//
// A detached mount can be attached once, by move_mount(2); after that only its mount namespace can
// move it again. It can be read and written through by anyone who holds the descriptor, attached or
// not.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>

namespace davit {

enum class Clone { one, tree };  // this mount alone, or with all mounts below it

class [[nodiscard]] DetachedMount {
public:
    explicit DetachedMount(Fd fd) : fd_(std::move(fd)) {}

    // What is at `path` below `directory` ("" = the directory itself), as a mount of its own;
    // private, so that nothing mounted below it ever shows on the host. Clones what is mounted in
    // the caller's mount namespace only: a detached mount cannot be cloned on Linux 6.1.
    static Result<DetachedMount> clone(int directory, const std::string& path = "",
                                       Clone what = Clone::one);

    // MOUNT_ATTR_RDONLY, …: sets and clears attributes, of every mount below too with Clone::tree.
    Result<void> set_attributes(std::uint64_t set, std::uint64_t clear = 0,
                                Clone what = Clone::one);
    // Files appear through the id map of this user namespace. Before the first attach only.
    Result<void> set_idmap(int user_namespace, Clone what = Clone::one);
    // Puts it onto `path` below `directory` ("" = onto the directory itself).
    Result<void> attach(int directory, const std::string& path = "") const;

    int fd() const { return fd_.get(); }
    // Hands the descriptor on. The last close may block for the sync of the file system below.
    [[nodiscard]] Fd release() { return std::move(fd_); }

private:
    Fd fd_;
};

// A file system being configured: fsopen(2), fsconfig(2), fsmount(2). Errors carry the kernel's own
// words.
class FsContext {
public:
    static Result<FsContext> open(const std::string& type);

    Result<void> set_flag(const std::string& key);
    Result<void> set(const std::string& key, const std::string& value);  // at most 255 bytes
    Result<void> set_fd(const std::string& key, int fd);
    // Makes the superblock and a detached mount of it with these MOUNT_ATTR_ flags.
    Result<DetachedMount> mount(std::uint64_t attributes = 0);

private:
    explicit FsContext(Fd fd, std::string type) : fd_(std::move(fd)), type_(std::move(type)) {}
    Error explain(const std::string& doing) const;

    Fd fd_;
    std::string type_;
};

}  // namespace davit
