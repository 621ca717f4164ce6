// SPDX-License-Identifier: Apache-2.0
// Notes down, while an archive passes, everything of it that the unpacked files do not hold:
// headers, padding, the end. With the files themselves that makes the same archive again, byte for
// byte, though neither it nor the blob that it came in is kept (core/image/layer_archive.hpp). One
// thread.
//
// A log is a zstd stream of records: a kind (one byte), then
//   bytes   u32 length, the bytes
//   file    u64 size, u16 length, the clean name: the file's content stands here
//   end     u64 bytes of the whole archive, u8: 1 when the log is good for anything
// Numbers are little-endian. What this reader does not understand for sure (sparse files, types
// that no layer has, odd numbers) is noted down as bytes to the end: correct, only larger.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::unpack {

enum class LogKind : std::uint8_t { bytes = 1, file = 2, end = 3 };

class TarLog {
public:
    // Writes to `fd`, borrowed. Asks for all the memory that its encoder ever needs.
    static Result<TarLog> create(int fd);
    TarLog(TarLog&&) noexcept;
    ~TarLog();

    Result<void> add(std::string_view bytes);  // of the archive, in order, in any pieces
    Result<void> finish();

private:
    enum class State { header, body, content, verbatim };
    struct Encoder;
    explicit TarLog(std::unique_ptr<Encoder> encoder);

    Result<std::string_view> take(std::string_view bytes);  // what is left of them
    Result<void> read_header();
    Result<void> read_regular(std::string_view header, std::uint64_t size);
    Result<void> read_body();
    void read_extension(char type);
    void read_pax(std::string_view records, bool global);
    void give_up() { state_ = State::verbatim; }

    Result<void> note(std::string_view bytes);
    Result<void> note_file(const std::string& name, std::uint64_t size);
    Result<void> flush();

    std::unique_ptr<Encoder> encoder_;
    State state_ = State::header;
    std::string block_;  // the header that is coming in
    std::string body_;   // of an extension header
    char body_type_ = 0;
    std::uint64_t left_ = 0;  // of body or content
    std::uint64_t padding_ = 0;
    std::string name_;  // of the next entry, from an extension header
    std::optional<std::uint64_t> size_;
    std::string pending_;  // bytes that are not written yet
    std::uint64_t total_ = 0;
    // Of every file noted, as hashes: a name that comes twice leaves only the later content.
    std::vector<std::size_t> names_;
};

}  // namespace davit::unpack
