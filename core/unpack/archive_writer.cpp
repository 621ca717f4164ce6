// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/archive_writer.hpp"

#include "core/unpack/limits.hpp"
#include "sdk/base/file.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/sysmacros.h>
#include <cerrno>
#include <clocale>
#include <utility>

namespace davit::unpack {

namespace {

la_ssize_t write_out(archive* writer, void* target, const void* bytes, std::size_t size) {
    const auto written = write_all(*static_cast<int*>(target),
                                   std::string_view(static_cast<const char*>(bytes), size));
    if (written) return static_cast<la_ssize_t>(size);
    archive_set_error(writer, written.error().os_errno, "%s", written.error().what.c_str());
    return -1;
}

struct FreeEntry {
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Header = std::unique_ptr<archive_entry, FreeEntry>;

Header header_of(const Item& item) {
    Header header(archive_entry_new());
    archive_entry_copy_stat(header.get(), &item.status);
    archive_entry_set_pathname(header.get(), item.name.c_str());
    if (S_ISLNK(item.status.st_mode)) archive_entry_set_symlink(header.get(), item.link.c_str());
    if (!S_ISREG(item.status.st_mode)) archive_entry_set_size(header.get(), 0);
    if (!item.hard_link.empty()) {
        archive_entry_set_hardlink(header.get(), item.hard_link.c_str());
        archive_entry_set_size(header.get(), 0);
    }
    for (const Xattr& xattr : item.xattrs)
        archive_entry_xattr_add_entry(header.get(), xattr.name.c_str(), xattr.value.data(),
                                      xattr.value.size());
    for (const Extent& extent : item.extents)
        archive_entry_sparse_add_entry(header.get(), static_cast<la_int64_t>(extent.offset),
                                       static_cast<la_int64_t>(extent.bytes));
    return header;
}

}  // namespace

// Names are UTF-8 to tar: in this locale libarchive copies them. Those that are not are marked as
// binary and copied as well. Without the locale all are.
void ArchiveWriter::warm_up() { std::setlocale(LC_CTYPE, "C.UTF-8"); }

ArchiveWriter::ArchiveWriter(std::unique_ptr<int> target)
    : target_(std::move(target)), writer_(archive_write_new()) {}

ArchiveWriter::ArchiveWriter(ArchiveWriter&& other) noexcept
    : target_(std::move(other.target_)), writer_(std::exchange(other.writer_, nullptr)) {}

ArchiveWriter::~ArchiveWriter() {
    if (writer_ == nullptr) return;
    archive_write_fail(writer_);  // without it, an archive that broke off would get an end
    archive_write_free(writer_);
}

Result<ArchiveWriter> ArchiveWriter::create(int fd, Times times) {
    ArchiveWriter created(std::make_unique<int>(fd));
    archive* writer = created.writer_;
    if (writer == nullptr) return fail(Code::internal, "write archive: out of memory");
    const int format = times == Times::exact ? archive_write_set_format_pax(writer)
                                             : archive_write_set_format_pax_restricted(writer);
    if (format != ARCHIVE_OK ||
        archive_write_set_format_option(writer, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(writer, kPackBlock) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(writer, 1) != ARCHIVE_OK ||
        archive_write_open(writer, created.target_.get(), nullptr, &write_out, nullptr) !=
            ARCHIVE_OK)
        return created.broken("write archive");
    return created;
}

Error ArchiveWriter::broken(std::string_view doing) const {
    const int number = archive_errno(writer_);
    const char* text = archive_error_string(writer_);
    if (number == EPIPE) return fail(Code::unavailable, doing, ": nobody reads it any more");
    return fail(Code::internal, doing, ": ", text == nullptr ? "failed" : text);
}

Result<void> ArchiveWriter::begin(const Item& item) {
    const Header header = header_of(item);
    // A warning: the name is not UTF-8, and was written as it is.
    if (archive_write_header(writer_, header.get()) < ARCHIVE_WARN)
        return broken("write " + item.name);
    return {};
}

Result<void> ArchiveWriter::content(std::span<const char> bytes) {
    while (!bytes.empty()) {
        const la_ssize_t put = archive_write_data(writer_, bytes.data(), bytes.size());
        if (put <= 0) return broken("write content");
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
}

Result<void> ArchiveWriter::finish() {
    if (archive_write_close(writer_) != ARCHIVE_OK) return broken("end archive");
    return {};
}

}  // namespace davit::unpack
