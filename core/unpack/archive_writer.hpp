// SPDX-License-Identifier: Apache-2.0
// A tar archive being written (PAX, where plain tar is too narrow), through libarchive and without
// compression. Owners are numbers, names are bytes. One thread.
#pragma once

#include "core/unpack/archive.hpp"

#include <sys/stat.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::unpack {

// A stretch of a sparse file that holds data.
struct Extent {
    std::uint64_t offset, bytes;
};

// What is put down of one file.
struct Item {
    std::string name;
    struct stat status {};
    std::string link;       // of a symbolic link
    std::string hard_link;  // the name of the entry that is the same file; no content follows
    std::vector<Xattr> xattrs;
    std::vector<Extent> extents;  // of a sparse file; empty: no holes are told of
};

// whole_seconds: what every reader of tar understands. exact: times to the nanosecond, for a reader
// of ours.
enum class Times { whole_seconds, exact };

class ArchiveWriter {
public:
    // Loads what libarchive loads late, before the jail is closed (rule R-44).
    static void warm_up();
    // Writes to `fd`, borrowed.
    static Result<ArchiveWriter> create(int fd, Times times);
    ArchiveWriter(ArchiveWriter&&) noexcept;
    ~ArchiveWriter();

    // Errors: unavailable when nobody reads any more.
    Result<void> begin(const Item& item);
    // The content of the current file: as many bytes as its size, holes included.
    Result<void> content(std::span<const char> bytes);
    // The end of the archive.
    Result<void> finish();

private:
    explicit ArchiveWriter(std::unique_ptr<int> target);
    Error broken(std::string_view doing) const;

    std::unique_ptr<int> target_;  // stays where it is: libarchive keeps its address
    archive* writer_;
};

}  // namespace davit::unpack
