// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/archive.hpp"

#include "core/unpack/entry_name.hpp"
#include "core/unpack/limits.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <iconv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cerrno>
#include <limits>

namespace davit::unpack {

struct Archive::Source {
    int fd;
    std::vector<char> buffer = std::vector<char>(kStreamBytes);

    static la_ssize_t read(archive* reader, void* self, const void** bytes) {
        auto& source = *static_cast<Source*>(self);
        for (;;) {
            const ssize_t got = ::read(source.fd, source.buffer.data(), source.buffer.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) archive_set_error(reader, errno, "read archive");
            *bytes = source.buffer.data();
            return got;
        }
    }
};

namespace {

// (uid_t)-1 means "unchanged" to chown(2), so it is no owner.
template <class Id>
Result<Id> id(std::int64_t number, const char* what) {
    if (number < 0 || number >= std::numeric_limits<Id>::max())
        return fail(Code::invalid, "read ", what, ": ", std::to_string(number), " is out of range");
    return static_cast<Id>(number);
}

// Image names are bytes. libarchive would convert PAX names to the locale's character set; in the C
// locale it cannot convert those that are not ASCII, says so with this number, and leaves the bytes
// alone, which is what we want.
bool only_names_not_converted(archive* reader) { return archive_errno(reader) == EILSEQ; }

std::vector<Xattr> read_xattrs(archive_entry* entry) {
    std::vector<Xattr> found;
    archive_entry_xattr_reset(entry);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
        if (name != nullptr)
            found.push_back({name, std::string(static_cast<const char*>(value), size)});
    return found;
}

Result<void> read_kind(archive_entry* entry, Entry& result) {
    if (const char* target = archive_entry_hardlink(entry)) {
        result.kind = EntryKind::hard_link;
        result.link = TRY(clean_name(target).context("read link target"));
        return {};
    }
    switch (archive_entry_filetype(entry)) {
        case AE_IFREG: result.kind = EntryKind::file; return {};
        case AE_IFDIR: result.kind = EntryKind::directory; return {};
        case AE_IFIFO: result.kind = EntryKind::fifo; return {};
        case AE_IFCHR:
        case AE_IFBLK: {
            result.kind = EntryKind::device;
            const auto major_number = archive_entry_rdevmajor(entry);
            const auto minor_number = archive_entry_rdevminor(entry);
            // The overlay file system reads character device 0:0 as a deletion (rule R-38).
            if (archive_entry_filetype(entry) == AE_IFCHR && major_number == 0 && minor_number == 0)
                return fail(Code::invalid,
                            "read device: character device 0:0 is a forged deletion");
            result.device =
                makedev(static_cast<unsigned>(major_number), static_cast<unsigned>(minor_number));
            return {};
        }
        case AE_IFLNK: {
            result.kind = EntryKind::symbolic_link;
            const char* target = archive_entry_symlink(entry);
            result.link = target == nullptr ? "" : target;
            if (result.link.empty()) return fail(Code::invalid, "read link target: it is empty");
            if (result.link.size() > kNameMax)
                return fail(Code::invalid, "read link target: it is too long");
            return {};
        }
        default: return fail(Code::invalid, "read entry: a type that no image layer has");
    }
}

}  // namespace

void Archive::warm_up() {
    // glibc reads its conversion table at the first use. The pair is the one that libarchive asks
    // for.
    if (iconv_t table = ::iconv_open("ANSI_X3.4-1968", "UTF-8");
        table != reinterpret_cast<iconv_t>(-1))
        ::iconv_close(table);
}

Archive::Archive(std::unique_ptr<Source> source)
    : source_(std::move(source)), reader_(archive_read_new()) {}

Archive::Archive(Archive&& other) noexcept
    : source_(std::move(other.source_)),
      reader_(std::exchange(other.reader_, nullptr)),
      entry_(std::exchange(other.entry_, nullptr)) {}

Archive::~Archive() {
    if (reader_ != nullptr) archive_read_free(reader_);
}

Result<Archive> Archive::open(int fd) {
    auto source = std::make_unique<Source>();
    source->fd = fd;
    Archive opened(std::move(source));
    if (opened.reader_ == nullptr) return fail(Code::internal, "open archive: out of memory");
    // An empty stream is an empty layer to other engines: the "empty" format reads it.
    if (archive_read_support_format_tar(opened.reader_) != ARCHIVE_OK ||
        archive_read_support_format_empty(opened.reader_) != ARCHIVE_OK ||
        archive_read_open2(opened.reader_, opened.source_.get(), nullptr, &Source::read, nullptr,
                           nullptr) != ARCHIVE_OK)
        return opened.broken("open archive");
    return opened;
}

Error Archive::broken(const char* doing) const {
    const char* text = archive_error_string(reader_);
    const int number = archive_errno(reader_);
    if (number == ENOMEM)
        return fail(Code::invalid, doing, ": it wants more memory than a layer may use");
    return fail(Code::corrupt, doing, ": ", text == nullptr ? "damaged" : text);
}

std::string Archive::shown_name() const {
    const char* raw = entry_ == nullptr ? nullptr : archive_entry_pathname(entry_);
    if (raw == nullptr) return "?";
    std::string shown;
    for (const char* at = raw; *at != '\0' && shown.size() < 256; ++at) {
        const auto byte = static_cast<unsigned char>(*at);
        shown += byte < 0x20 || byte == 0x7f ? '?' : *at;  // it goes to a terminal
    }
    return shown.starts_with('/') ? shown : "/" + shown;
}

Result<std::optional<Entry>> Archive::next() {
    entry_ = nullptr;
    archive_entry* found = nullptr;
    archive_clear_error(reader_);
    const int status = archive_read_next_header(reader_, &found);
    if (status == ARCHIVE_EOF) return std::optional<Entry>();
    if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && only_names_not_converted(reader_)))
        return broken("read archive");
    entry_ = found;
    const char* name = archive_entry_pathname(found);
    if (name == nullptr) return fail(Code::invalid, "read entry name: there is none");
    Entry entry;
    entry.name = TRY(clean_name(name));
    TRY(read_kind(found, entry));
    entry.mode = archive_entry_mode(found);
    entry.uid = TRY(id<uid_t>(archive_entry_uid(found), "owner"));
    entry.gid = TRY(id<gid_t>(archive_entry_gid(found), "group"));
    if (archive_entry_size(found) < 0) return fail(Code::invalid, "read size: it is negative");
    entry.size = static_cast<std::uint64_t>(archive_entry_size(found));
    entry.sparse = archive_entry_sparse_count(found) > 0;
    entry.modified = {archive_entry_mtime(found), archive_entry_mtime_nsec(found)};
    entry.xattrs = read_xattrs(found);
    if (entry.xattrs.size() > kXattrsMax)
        return fail(Code::invalid, "read extended attributes: too many");
    return std::optional<Entry>(std::move(entry));
}

Result<void> Archive::content(const Piece& piece) {
    for (;;) {
        const void* bytes = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        const int status = archive_read_data_block(reader_, &bytes, &size, &offset);
        if (status == ARCHIVE_EOF) return {};
        if (status != ARCHIVE_OK) return broken("read content");
        if (size == 0) continue;
        if (offset < 0) return fail(Code::corrupt, "read content: negative offset");
        TRY(piece(static_cast<std::uint64_t>(offset),
                  std::string_view(static_cast<const char*>(bytes), size)));
    }
}

Result<void> Archive::drain() {
    for (;;) {
        const ssize_t got = ::read(source_->fd, source_->buffer.data(), source_->buffer.size());
        if (got == 0) return {};
        if (got < 0 && errno != EINTR) return os_error("read archive");
    }
}

}  // namespace davit::unpack
