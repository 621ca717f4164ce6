// SPDX-License-Identifier: Apache-2.0
// What davitd and davit-unpack say to each other. Both come from one build and are installed
// together; the version turns a mixed installation into a clear error. The daemon trusts nothing in
// here: it checks every field.
//
//   fd 0  compressed bytes, in     fd 3  the layer's detached mount     fd 4  Message,
//   SOCK_SEQPACKET, both ways fd 5  one Inflated, out, written by the inflater alone: the diff ID
//   never passes the tar parser     fd 6  where wanted: a file for the archive log (tar_log.hpp)
#pragma once

#include <cstdint>
#include <type_traits>

namespace davit::unpack {

inline constexpr int kMountFd = 3;
inline constexpr int kControlFd = 4;
inline constexpr int kDigestFd = 5;
inline constexpr int kLogFd = 6;
inline constexpr std::uint32_t kProtocolVersion = 1;

enum class Kind : std::uint32_t {
    progress = 1,  // to the daemon: entries, bytes
    opaque = 2,    // to the daemon, with a directory's descriptor: set trusted.overlay.opaque on it
    opaque_done = 3,  // to the unpacker: os_errno
    result = 4,       // to the daemon, the last one: everything
};

enum class Outcome : std::uint32_t {
    done = 0,
    needs_parent = 1,  // a bare layer that only makes sense over its parent
    failed = 2,
};

struct Message {
    std::uint32_t version = kProtocolVersion;
    Kind kind = Kind::progress;
    Outcome outcome = Outcome::done;
    std::int32_t code = 0;  // davit::Code of a failure
    std::int32_t os_errno = 0;
    std::uint32_t padding = 0;
    std::uint64_t entries = 0;  // of the archive
    std::uint64_t bytes = 0;    // in regular files: what image sizes count
    char text[1024] = {};       // NUL-terminated, "unpack /etc/passwd: …"
};

struct Inflated {
    std::uint32_t version = kProtocolVersion;
    std::int32_t code = 0;
    std::uint64_t compressed = 0;   // bytes read
    std::uint64_t bytes = 0;        // bytes of the tar archive
    std::uint8_t diff_id[32] = {};  // SHA-256 of the tar archive
    char text[256] = {};
};

static_assert(std::is_trivially_copyable_v<Message> && std::is_trivially_copyable_v<Inflated>);

}  // namespace davit::unpack
