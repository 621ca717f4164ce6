// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/manifest.hpp"
#include "core/plugin/elf_note.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/file.hpp"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <boost/json.hpp>
#include <cstring>

namespace davit::plugin {
namespace {

std::string failure(const auto& result) { return result ? "(no error)" : result.error().what; }

std::string manifest_with(const std::string& driver) {
    return R"({"davit":0,"version":"1","drivers":[{"kind":"storage","name":"x")" + driver + "}]}";
}

TEST(Manifest, reads_what_the_drivers_of_the_tree_say) {
    const auto manifest = parse_manifest(
        R"({"davit":0,"requires":1,"module":"m","version":"2.1","licence":"MIT","vendor":"v",
        "drivers":[{"kind":"network","name":"lan","description":"d","interfaces":["davit.network/1"],"state":[1,3],
        "capabilities":["CAP_NET_ADMIN"],"kernel":["macvlan"],"isolation":["in-process"],"rank":5,
        "config":{"properties":{"parent":{"type":"string"}}},"options":{"network":{},"endpoint":{}}}]})");
    ASSERT_TRUE(manifest) << failure(manifest);
    EXPECT_EQ(manifest->required_minor, 1u);
    EXPECT_EQ(manifest->version, "2.1");
    const auto& driver = manifest->drivers.front();
    EXPECT_EQ(driver.kind, "network");
    EXPECT_EQ(driver.state_version_oldest, 1u);
    EXPECT_EQ(driver.state_version, 3u);
    EXPECT_EQ(driver.rank, 5);
    EXPECT_EQ(driver.options.size(), 2u);
    EXPECT_TRUE(driver.config->contains("properties"));
}

TEST(Manifest, needs_little_and_leaves_unknown_members_alone) {
    const auto manifest = parse_manifest(manifest_with(R"(,"later":{"a":1})"));
    ASSERT_TRUE(manifest) << failure(manifest);
    EXPECT_EQ(manifest->required_minor, 0u);
    EXPECT_TRUE(manifest->drivers.front().config->empty());
}

TEST(Manifest, says_what_is_wrong_with_it) {
    EXPECT_EQ(failure(parse_manifest("[]")), "parse manifest: expected an object, found an array");
    EXPECT_EQ(failure(parse_manifest("{}")), "read manifest: read davit: it is missing");
    EXPECT_EQ(failure(parse_manifest(R"({"davit":0,"drivers":[]})")),
              "read manifest: read version: it is missing");
    EXPECT_EQ(failure(parse_manifest(R"({"davit":0,"version":"1","drivers":[]})")),
              "read manifest: read drivers: there is none");
    EXPECT_EQ(failure(parse_manifest(
                  R"({"davit":0,"version":"1","drivers":[{"kind":"disk","name":"x"}]})")),
              "read manifest: read kind: \"disk\" is none that Davit knows");
    EXPECT_EQ(failure(parse_manifest(
                  R"({"davit":0,"version":"1","drivers":[{"kind":"exec","name":"../x"}]})")),
              "read manifest: read name: \"../x\" must match [a-z0-9][a-z0-9._-]{0,62}");
    EXPECT_EQ(failure(parse_manifest(manifest_with(R"(,"state":[1])"))),
              "read manifest: read state: expected [oldest version it reads, version it writes]");
    EXPECT_EQ(failure(parse_manifest(manifest_with(R"(,"config":{"format":"x"})"))),
              "read manifest: read config: read schema: format: is not a keyword that Davit knows");
}

TEST(Manifest, of_another_major_says_nothing_but_its_major) {
    const auto manifest = parse_manifest(R"({"davit":7,"something":"else"})");
    ASSERT_TRUE(manifest) << failure(manifest);
    EXPECT_EQ(failure(check_version(*manifest)),
              "check version: the file is built for ABI major 7, this engine speaks 0");
}

// ---- ELF files made by hand
// ---------------------------------------------------------------------------------------

struct Note {
    std::string name;
    std::uint32_t type;
    std::string text;
};

std::string note_bytes(const Note& note, std::size_t alignment) {
    Elf64_Nhdr head{static_cast<Elf64_Word>(note.name.size() + 1),
                    static_cast<Elf64_Word>(note.text.size()), note.type};
    std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
    const auto pad = [&] { bytes.resize((bytes.size() + alignment - 1) / alignment * alignment); };
    bytes += note.name + '\0';
    pad();
    bytes += note.text;
    pad();
    return bytes;
}

class Elf {
public:
    Elf64_Ehdr header{};
    Elf64_Phdr segment{};
    std::string notes;

    Elf() {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_DYN;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof segment;
        header.e_phnum = 1;
        segment.p_type = PT_NOTE;
        segment.p_offset = sizeof header + sizeof segment;
        segment.p_align = 4;
    }
    void add(const Note& note) {
        notes += note_bytes(note, segment.p_align == 8 ? 8 : 4);
        segment.p_filesz = notes.size();
    }
    Result<std::string> find() const {
        Fd file(::memfd_create("elf", MFD_CLOEXEC));
        std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
        bytes.append(reinterpret_cast<const char*>(&segment), sizeof segment).append(notes);
        TRY(write_all(file.get(), bytes));
        return read_elf_note(file.get(), "davit", 0x64617601);
    }
};

TEST(ElfNote, finds_its_note_among_others) {
    Elf elf;
    elf.add({"GNU", 3, "build id"});
    elf.add({"davit", 1, "another type"});
    elf.add({"davit", 0x64617601, "{}x"});
    EXPECT_EQ(elf.find().value_or(""), "{}x");
}

TEST(ElfNote, follows_the_padding_of_a_segment_aligned_to_eight) {
    Elf elf;
    elf.segment.p_align = 8;
    elf.add({"GNU", 5, "12345"});
    elf.add({"davit", 0x64617601, "{}"});
    EXPECT_EQ(elf.find().value_or(""), "{}");
}

TEST(ElfNote, says_when_there_is_none) {
    Elf elf;
    elf.add({"GNU", 3, "x"});
    EXPECT_EQ(elf.find().error().code, Code::not_found);
    elf.segment.p_type = PT_LOAD;
    EXPECT_EQ(elf.find().error().code, Code::not_found);
}

TEST(ElfNote, refuses_other_machines_files) {
    Elf elf;
    elf.header.e_ident[EI_CLASS] = ELFCLASS32;
    EXPECT_NE(failure(elf.find()).find("not a 64-bit little-endian shared object"),
              std::string::npos);
    elf = Elf();
    elf.header.e_type = ET_EXEC;
    EXPECT_NE(failure(elf.find()).find("not a 64-bit little-endian shared object"),
              std::string::npos);
    elf = Elf();
    elf.header.e_phentsize = 8;
    EXPECT_NE(failure(elf.find()).find("unknown size"), std::string::npos);
}

TEST(ElfNote, never_reads_where_the_file_points_outside_itself) {
    Elf elf;
    elf.add({"davit", 0x64617601, "{}"});
    auto wrong = elf;
    wrong.header.e_phoff = ~0ull - 8;
    EXPECT_FALSE(wrong.find());
    wrong = elf;
    wrong.header.e_phnum = 0xffff;
    EXPECT_NE(failure(wrong.find()).find("too many program headers"), std::string::npos);
    wrong = elf;
    wrong.segment.p_offset = ~0ull - 8;
    EXPECT_FALSE(wrong.find());
    wrong = elf;
    wrong.segment.p_filesz = ~0ull;
    EXPECT_NE(failure(wrong.find()).find("notes are too long"), std::string::npos);
    wrong = elf;
    wrong.segment.p_filesz = elf.notes.size() + 1;
    EXPECT_NE(failure(wrong.find()).find("ends within its notes"), std::string::npos);
}

TEST(ElfNote, stops_at_a_note_that_is_longer_than_its_segment) {
    for (const std::uint32_t length : {17u, 0x7fffffffu, 0xfffffffdu, 0xffffffffu}) {
        Elf elf;
        elf.add({"davit", 0x64617601, "{}"});
        std::memcpy(elf.notes.data() + 4, &length, sizeof length);
        EXPECT_EQ(elf.find().error().code, Code::not_found) << "text of " << length;
        std::memcpy(elf.notes.data(), &length, sizeof length);
        EXPECT_EQ(elf.find().error().code, Code::not_found) << "name of " << length;
    }
}

}  // namespace
}  // namespace davit::plugin
