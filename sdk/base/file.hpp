// SPDX-License-Identifier: Apache-2.0
// Files reached by directory descriptor: safe lookup, whole reads and writes, atomic replacement,
// and removal and measuring of trees that hostile programs wrote. Used by every room. Thread-safe.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <sys/stat.h>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

// Opens `path` below `directory`, never above it and through no symbolic link: for the engine's own
// directories. O_CLOEXEC is added. `mode` counts with O_CREAT only.
Result<Fd> open_beneath(int directory, const std::string& path, int flags, mode_t mode = 0600);
// Opens `path` as a process whose root directory is `directory` would: symbolic links are followed
// inside, ".." and absolute links end at the root. For everything inside a container's root.
Result<Fd> open_in_root(int directory, const std::string& path, int flags, mode_t mode = 0600);
// An absolute path of the host, as configured by its owner. O_DIRECTORY and O_CLOEXEC are added.
Result<Fd> open_directory(const std::string& path, int flags = 0);

// Makes a directory with exactly `mode`, whatever the umask; one that exists is left as it is.
Result<void> make_directory(int directory, const std::string& name, mode_t mode = 0700);

// Names in a directory, without "." and "..", in no order.
Result<std::vector<std::string>> list_names(int directory);

// Everything from the current position of `fd` on. Errors: invalid when there are more than `limit`
// bytes.
Result<std::string> read_all(int fd, std::size_t limit);
// The whole file below `directory`. Errors: not_found; invalid when it is larger than `limit`.
Result<std::string> read_file(int directory, const std::string& path, std::size_t limit);
Result<void> write_all(int fd, std::string_view data);

enum class Sync { no, yes };  // yes: the content and the name survive a power loss once it returns
// Replaces or makes the file `name`, without a slash in it: readers and crashes see the old content
// or the new, never a part.
Result<void> atomic_write(int directory, const std::string& name, std::string_view data,
                          mode_t mode = 0600, Sync sync = Sync::no);

// Renames within `directory`, over what may be there: for the engine's own directories.
Result<void> move_beneath(int directory, const std::string& from, const std::string& to);

// The target of a symbolic link.
Result<std::string> read_link(int directory, const std::string& name);

using StopFlag = std::function<bool()>;  // true: stop as soon as possible

// Removes `name` and everything below it; an absent name is OK. Follows no link, enters no other
// mount, holds a bounded number of descriptors however deep the tree is. Nobody else may move
// directories inside meanwhile. Errors: cancelled when `stop` said so (call again to go on).
Result<void> remove_tree(int directory, const std::string& name, const StopFlag& stop = nullptr);

// Calls `visit` for every inode of the tree, the root `directory` included, hard-linked ones once
// for every name. Follows no link, enters no other mount; holds a bounded number of descriptors.
// What vanishes meanwhile is left out. Errors: busy when directories are moved under our feet.
Result<void> visit_tree(int directory,
                        const std::function<Result<void>(const struct stat&)>& visit);

}  // namespace davit
