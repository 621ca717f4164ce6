// SPDX-License-Identifier: Apache-2.0
// What davitd orders of an archiver (`davit-unpack archive`), and what it answers: one packet each
// over a SOCK_SEQPACKET at fd 3. fd 0 is the archive to extract, fd 1 takes the one that is packed.
// Both sides come from one build (protocol.hpp); the daemon checks every field of an answer.
//
//   daemon    Order, with the root's descriptor and, if kSelection, that of the list
//             Attachment, with a mount's descriptor, as often as Order::attachments says
//   archiver  Found, once the path is resolved; Ended, last
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace davit::unpack {

inline constexpr int kOrderFd = 3;
inline constexpr std::uint32_t kOrderVersion = 1;
inline constexpr std::size_t kPathBytes = 4096;  // PATH_MAX, the NUL included

enum class Work : std::uint32_t {
    look = 1,     // what is at `path`
    pack = 2,     // `path` with all that is below goes to fd 1
    extract = 3,  // what comes from fd 0 goes below the directory `path`
};

// What the descriptor of an order is, and what of it becomes the archiver's root.
enum class RootKind : std::uint32_t {
    mount = 1,    // a detached mount
    process = 2,  // a pidfd: all that its mount namespace shows
    root_of =
        3,  // a pidfd: the root file system of its mount namespace, without what is mounted in
};

inline constexpr std::uint32_t kTellHoles = 1;  // pack: sparse files stay so; times are exact
inline constexpr std::uint32_t kKeepKinds =
    2;  // extract: a directory is replaced by directories only
inline constexpr std::uint32_t kChangeOwner = 4;  // extract: everything belongs to `uid` and `gid`
inline constexpr std::uint32_t kSelection = 8;    // pack: only what the list names (kListed…)
inline constexpr std::uint32_t kTopToo = 16;  // extract: "./" says owner, mode and times of `path`

// A selection is a text: for each entry one of these, its path relative to `path`, and a NUL.
inline constexpr char kListedEntry = '+';     // this entry alone
inline constexpr char kListedDeletion = '-';  // a whiteout of it

struct Order {
    std::uint32_t version = kOrderVersion;
    Work work = Work::look;
    RootKind root = RootKind::mount;
    std::uint32_t flags = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t attachments = 0;
    std::uint32_t padding = 0;
    char path[kPathBytes] = {};   // absolute, inside the root; what a trailing slash means is kept
    char shown[kPathBytes] = {};  // pack: the name that `path` itself gets in the archive
};

struct Attachment {
    std::uint32_t version = kOrderVersion;
    std::uint32_t padding = 0;
    char target[kPathBytes] = {};
};

struct Found {
    std::uint32_t version = kOrderVersion;
    std::uint32_t mode = 0;  // of stat(2)
    std::uint64_t size = 0;
    std::int64_t modified_seconds = 0;
    std::int64_t modified_nanoseconds = 0;
    char target[kPathBytes] = {};  // where a symbolic link leads, all links on the way resolved
};

struct Ended {
    std::uint32_t version = kOrderVersion;
    std::int32_t code = 0;  // davit::Code; 0: it is done
    std::int32_t os_errno = 0;
    std::uint32_t padding = 0;
    char text[1024] = {};
};

static_assert(std::is_trivially_copyable_v<Order> && std::is_trivially_copyable_v<Attachment>);
static_assert(std::is_trivially_copyable_v<Found> && std::is_trivially_copyable_v<Ended>);
static_assert(sizeof(Found) != sizeof(Ended));  // an answer is known by its size

}  // namespace davit::unpack
