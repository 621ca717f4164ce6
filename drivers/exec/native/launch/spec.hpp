// SPDX-License-Identifier: Apache-2.0
// What the driver tells davit-launch: one flat block of fixed structs and texts in a sealed memory
// file, so that the launcher parses nothing. Both come from one build (the launcher is started by
// the driver that wrote the block), so the layout has no compatibility to keep; its version is
// there to notice a wrong pair.
//
// Layout: Spec, then everything that its lists and texts point to, in any order. Offsets count from
// the start of the block; every length is checked in 64 bits against the block's size before it is
// used (rule R-08).
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace davit::native {

inline constexpr std::uint32_t kSpecMagic = 0x444c4331;  // "DLC1"
inline constexpr std::uint32_t kSpecVersion = 2;
inline constexpr std::uint64_t kMaxSpec = 64u << 20;  // arguments and environment end at a few MiB
inline constexpr std::uint64_t kMaxFds = 8192;        // mounts of one container, and some

struct Text {  // followed by a NUL, which `length` does not count
    std::uint32_t offset;
    std::uint32_t length;
};
template <class T>
struct List {
    std::uint32_t offset;
    std::uint32_t count;
};
// Index into the descriptors that came with the block; kNoFd: none.
using FdIndex = std::int32_t;
inline constexpr FdIndex kNoFd = -1;

enum class MountKind : std::uint32_t { bind, filesystem, cgroup };

struct MountSpec {
    Text destination;
    Text type;              // filesystem: "proc", "tmpfs", …
    List<Text> parameters;  // "key=value" or "flag" for the file system
    std::uint64_t set;      // MOUNT_ATTR_…
    std::uint64_t clear;
    std::uint64_t set_tree;  // of the mounts below too
    std::uint64_t clear_tree;
    std::uint64_t propagation;  // MS_PRIVATE, … with MS_REC; 0: leave
    MountKind kind;
    FdIndex fd;  // bind: a detached mount
};
struct DeviceSpec {
    Text path;
    std::uint64_t number;
    std::uint32_t mode;  // with S_IFCHR, …
    std::uint32_t uid;
    std::uint32_t gid;
    std::uint32_t padding;
};
struct SysctlSpec {
    Text path;  // "sys/net/ipv4/ip_forward"
    Text value;
};
struct RlimitSpec {
    std::uint64_t soft;
    std::uint64_t hard;
    std::int32_t resource;
    std::int32_t padding;
};
struct IdRangeSpec {
    std::uint32_t container;
    std::uint32_t host;
    std::uint32_t count;
};
struct JoinSpec {  // a namespace of somebody else's
    FdIndex fd;
    std::int32_t kind;  // CLONE_NEW…
};
struct GroupSpec {
    Text name;  // "memory"; empty: the only hierarchy (version 2)
    Text path;  // absolute, on the host
};

inline constexpr std::uint32_t kTty = 1;
inline constexpr std::uint32_t kStdin = 2;
inline constexpr std::uint32_t kStdinOnce = 4;
inline constexpr std::uint32_t kNoNewPrivileges = 8;
inline constexpr std::uint32_t kInit = 16;  // a minimal init is process 1
inline constexpr std::uint32_t kOwnDevices =
    32;  // /dev is the container's own: nodes and links are made
inline constexpr std::uint32_t kSession = 64;  // a further process of a running container
inline constexpr std::uint32_t kHold = 128;    // its output is read from the first attach on

struct ProcessSpec {
    List<Text> arguments;
    List<Text> environment;
    Text search;  // PATH of the environment; empty: the usual
    Text cwd;
    List<std::uint32_t> groups;
    List<RlimitSpec> rlimits;
    Text seccomp;  // struct sock_filter[]; empty: none
    std::uint64_t bounding, effective, inheritable, permitted, ambient;
    std::uint32_t uid, gid;
    std::uint32_t umask;
    std::int32_t oom_score_adj;
    std::uint16_t rows, columns;
    std::uint32_t padding;
};

struct Spec {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint64_t size;
    std::uint32_t flags;
    std::int32_t namespaces;  // CLONE_NEW… to make
    Text boot_id;
    Text group;
    Text log_path;
    std::uint64_t log_max_bytes;
    std::uint32_t log_max_files;
    FdIndex state_directory;
    FdIndex root;    // detached mount
    FdIndex target;  // session: pidfd of the container's first process
    FdIndex memory_events;
    std::uint32_t root_read_only;
    std::uint64_t root_propagation;
    FdIndex group_birthplace;  // control groups version 2: its directory; else group_joins count
    std::uint32_t padding;
    List<FdIndex> launch_joins;
    List<FdIndex> group_joins;
    List<JoinSpec> joins;
    List<GroupSpec> groups;
    List<MountSpec> mounts;
    List<DeviceSpec> devices;
    List<SysctlSpec> sysctls;
    List<Text> masked;
    List<Text> read_only;
    List<IdRangeSpec> user_map;
    List<IdRangeSpec> group_map;
    Text host_name;
    Text domain_name;
    ProcessSpec process;
};

// What goes over the channel first, with as many descriptors as one packet takes; more follow in
// packets of one byte.
struct Opening {
    std::uint32_t magic = kSpecMagic;
    std::uint32_t fd_count = 0;  // in all; the first is the block
    std::uint64_t size = 0;
};

// A view of a block. The block outlives it.
class SpecView {
public:
    // Checks the frame: magic, version, size. Errors: invalid.
    static Result<SpecView> over(std::span<const std::byte> block);

    const Spec* operator->() const { return reinterpret_cast<const Spec*>(block_.data()); }

    // Errors: invalid when it leaves the block.
    Result<std::string_view> text(Text text) const;
    template <class T>
    Result<std::span<const T>> list(List<T> list) const {
        const std::uint64_t end =
            std::uint64_t{list.offset} + std::uint64_t{list.count} * sizeof(T);
        if (end > block_.size() || list.offset % alignof(T) != 0) return outside();
        return std::span<const T>(reinterpret_cast<const T*>(block_.data() + list.offset),
                                  list.count);
    }

private:
    explicit SpecView(std::span<const std::byte> block) : block_(block) {}
    static Error outside() {
        return fail(Code::invalid, "read specification: an offset lies outside");
    }
    std::span<const std::byte> block_;
};

}  // namespace davit::native
