// SPDX-License-Identifier: Apache-2.0
#include "core/image/tar_writer.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace davit::image {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kOctalMost = 077777777777;  // 11 octal digits

// The layout of one header block.
struct Header {
    char name[100], mode[8], uid[8], gid[8], size[12], modified[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], unused[12];
};
static_assert(sizeof(Header) == kBlock);

template <std::size_t N>
void put(char (&to)[N], std::string_view text) {
    std::memcpy(to, text.data(), std::min(N, text.size()));
}

template <std::size_t N>
void put_octal(char (&to)[N], std::uint64_t number) {
    char text[24];
    std::snprintf(text, sizeof text, "%0*llo", static_cast<int>(N - 1),
                  static_cast<unsigned long long>(number));
    std::memcpy(to, text, N - 1);
}

// The top bit says that the rest is binary, highest byte first.
void put_size(Header& header, std::uint64_t size) {
    if (size <= kOctalMost) return put_octal(header.size, size);
    header.size[0] = static_cast<char>(0x80);
    for (std::size_t i = sizeof header.size; i-- > 1; size >>= 8)
        header.size[i] = static_cast<char>(size & 0xff);
}

void seal(Header& header) {
    std::memset(header.checksum, ' ', sizeof header.checksum);
    unsigned sum = 0;
    for (const char c : std::string_view(reinterpret_cast<const char*>(&header), sizeof header))
        sum += static_cast<unsigned char>(c);
    std::snprintf(header.checksum, sizeof header.checksum, "%06o", sum);
    header.checksum[7] = ' ';
}

}  // namespace

std::string tar_header(const TarEntry& entry) {
    Header header{};
    put(header.name, entry.name);
    put_octal(header.mode, entry.mode & 07777);
    put_octal(header.uid, 0);
    put_octal(header.gid, 0);
    put_size(header, entry.size);
    put_octal(header.modified, 0);
    header.type = static_cast<char>(entry.type);
    put(header.magic, std::string_view("ustar\0", 6));
    put(header.version, "00");
    seal(header);
    return std::string(reinterpret_cast<const char*>(&header), sizeof header);
}

std::string tar_padding(std::uint64_t size) {
    return std::string((kBlock - size % kBlock) % kBlock, '\0');
}

std::string tar_end() { return std::string(2 * kBlock, '\0'); }

}  // namespace davit::image
