// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/elf_note.hpp"

#include <elf.h>
#include <unistd.h>
#include <cstring>
#include <optional>

namespace davit::plugin {
namespace {

// A manifest holds a few schemas; a megabyte of notes is a mistake or an attack.
constexpr std::uint64_t kNotesMax = 1u << 20;
// The kernel's own limit on the program headers of an executable is one page.
constexpr std::uint64_t kHeadersMax = 64u << 10;

Result<std::string> read_at(int fd, std::uint64_t offset, std::uint64_t length,
                            std::string_view what) {
    std::string bytes(length, '\0');
    std::size_t done = 0;
    while (done < length) {
        const auto got =
            ::pread(fd, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_error("read ELF file");
        if (got == 0) return fail(Code::invalid, "read ELF file: it ends within its ", what);
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

template <class T>
T load(std::string_view bytes, std::size_t offset) {  // the caller has checked the bounds
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

Result<Elf64_Ehdr> read_header(int fd) {
    const auto bytes = TRY(read_at(fd, 0, sizeof(Elf64_Ehdr), "header"));
    const auto header = load<Elf64_Ehdr>(bytes, 0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return fail(Code::invalid, "read ELF file: it is not an ELF file");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_type != ET_DYN)
        return fail(Code::invalid, "read ELF file: it is not a 64-bit little-endian shared object");
    if (header.e_phnum != 0 && header.e_phentsize != sizeof(Elf64_Phdr))
        return fail(Code::invalid, "read ELF file: its program headers have an unknown size");
    return header;
}

std::uint64_t padded(std::uint64_t size, std::uint64_t alignment) {
    return (size + alignment - 1) & ~(alignment - 1);
}

// The wanted descriptor in one segment. Sizes are 32-bit and sums 64-bit, so nothing here can wrap.
std::optional<std::string> find_note(std::string_view notes, std::uint64_t alignment,
                                     std::string_view name, std::uint32_t type) {
    std::uint64_t at = 0;
    while (at + sizeof(Elf64_Nhdr) <= notes.size()) {
        const auto note = load<Elf64_Nhdr>(notes, at);
        const std::uint64_t name_at = at + sizeof note;
        const std::uint64_t text_at = padded(name_at + note.n_namesz, alignment);
        const std::uint64_t next = padded(text_at + note.n_descsz, alignment);
        if (name_at + note.n_namesz > notes.size() || text_at + note.n_descsz > notes.size())
            return std::nullopt;
        const auto found = notes.substr(name_at, note.n_namesz);
        if (note.n_type == type && found.size() == name.size() + 1 &&
            found.substr(0, name.size()) == name && found.back() == '\0')
            return std::string(notes.substr(text_at, note.n_descsz));
        at = next;
    }
    return std::nullopt;
}

}  // namespace

Result<std::string> read_elf_note(int fd, std::string_view name, std::uint32_t type) {
    const auto header = TRY(read_header(fd));
    const std::uint64_t length = std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
    if (length > kHeadersMax)
        return fail(Code::invalid, "read ELF file: it has too many program headers");
    const auto table = TRY(read_at(fd, header.e_phoff, length, "program headers"));
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        const auto segment = load<Elf64_Phdr>(table, i * sizeof(Elf64_Phdr));
        if (segment.p_type != PT_NOTE) continue;
        if (segment.p_filesz > kNotesMax)
            return fail(Code::invalid, "read ELF file: its notes are too long");
        const auto notes = TRY(read_at(fd, segment.p_offset, segment.p_filesz, "notes"));
        // Notes are padded to 4 bytes, in a segment aligned to 8 (.note.gnu.property) to 8.
        if (auto found = find_note(notes, segment.p_align == 8 ? 8 : 4, name, type))
            return std::move(*found);
    }
    return fail(Code::not_found, "read ELF file: it has no note \"", name, "\"");
}

}  // namespace davit::plugin
