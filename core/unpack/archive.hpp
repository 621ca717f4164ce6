// SPDX-License-Identifier: Apache-2.0
// A tar archive as a list of checked entries: libarchive reads the format (ustar, GNU, PAX, sparse;
// no compression), here its answer is brought into our types, with every number in range (rule
// overrides are applied by then). One thread.
#pragma once

#include "sdk/base/result.hpp"

#include <sys/types.h>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct archive;
struct archive_entry;

namespace davit::unpack {

struct Xattr {
    std::string name;
    std::string value;
};

enum class EntryKind { file, directory, symbolic_link, hard_link, device, fifo };

struct Entry {
    EntryKind kind = EntryKind::file;
    std::string name;  // clean: "" is the root
    std::string link;  // of a symbolic link, verbatim; of a hard link, clean
    mode_t mode = 0;   // type and permissions, as mknod(2) wants them
    uid_t uid = 0;
    gid_t gid = 0;
    dev_t device = 0;
    std::uint64_t size = 0;  // of a file, holes included
    bool sparse = false;
    timespec modified{};
    std::vector<Xattr> xattrs;
};

class Archive {
public:
    // Loads what libarchive loads late, so that nothing is opened once the jail is closed (rule
    //
    static void warm_up();
    // Reads from `fd`, borrowed.
    static Result<Archive> open(int fd);
    Archive(Archive&&) noexcept;
    ~Archive();

    // The next entry, or nothing at the end of the archive. Errors: corrupt, invalid.
    Result<std::optional<Entry>> next();
    // The content of the current file, piece by piece: offset and bytes, in rising order.
    using Piece = std::function<Result<void>(std::uint64_t offset, std::string_view bytes)>;
    Result<void> content(const Piece& piece);
    // The name of the current entry as the archive has it, for errors.
    std::string shown_name() const;
    // Reads on to the end of the stream, so that its writer can finish; what lies behind the
    // archive means nothing.
    Result<void> drain();

private:
    struct Source;
    explicit Archive(std::unique_ptr<Source> source);
    Error broken(const char* doing) const;

    std::unique_ptr<Source> source_;
    archive* reader_;
    archive_entry* entry_ = nullptr;
};

}  // namespace davit::unpack
