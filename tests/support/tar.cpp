// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tar.hpp"

#include <isa-l/igzip_lib.h>
#include <zstd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace davit::test {

namespace {

constexpr std::size_t kBlock = 512;

void put(std::string& header, std::size_t at, std::size_t size, std::string_view text) {
    std::memcpy(header.data() + at, text.data(), std::min(size, text.size()));
}

void put_octal(std::string& header, std::size_t at, std::size_t size, std::uint64_t number) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*llo", static_cast<int>(size - 1),
                  static_cast<unsigned long long>(number));
    put(header, at, size, std::string_view(text).substr(0, size));
}

void put_number(std::string& header, std::size_t at, std::size_t size, std::uint64_t number) {
    if (number < (std::uint64_t{1} << (3 * (size - 1)))) return put_octal(header, at, size, number);
    header[at] = static_cast<char>(0x80);  // GNU's base 256
    for (std::size_t i = 0; i < std::min<std::size_t>(8, size - 1); ++i)
        header[at + size - 1 - i] = static_cast<char>(number >> (8 * i));
}

}  // namespace

Tar& Tar::add(const TarEntry& entry) {
    std::string header(kBlock, '\0');
    put(header, 0, 100, entry.name);
    put_octal(header, 100, 8, entry.mode);
    put_number(header, 108, 8, entry.uid);
    put_number(header, 116, 8, entry.gid);
    put_octal(header, 124, 12, entry.content.size());
    if (!entry.size_field.empty()) put(header, 124, 12, entry.size_field);
    put_number(header, 136, 12, static_cast<std::uint64_t>(entry.mtime));
    put(header, 148, 8, "        ");
    header[156] = entry.type;
    put(header, 157, 100, entry.link);
    put(header, 257, 8, std::string_view("ustar\00000", 8));
    put_octal(header, 329, 8, entry.device_major);
    put_octal(header, 337, 8, entry.device_minor);
    unsigned sum = 0;
    for (const char byte : header) sum += static_cast<unsigned char>(byte);
    put_octal(header, 148, 7, sum);
    bytes_ += header + entry.content;
    bytes_.append((kBlock - entry.content.size() % kBlock) % kBlock, '\0');
    return *this;
}

Tar& Tar::file(std::string name, std::string content, unsigned mode) {
    return add({.name = std::move(name), .content = std::move(content), .mode = mode});
}
Tar& Tar::directory(std::string name, unsigned mode) {
    return add({.name = std::move(name), .type = '5', .mode = mode});
}
Tar& Tar::symlink(std::string name, std::string target) {
    return add({.name = std::move(name), .type = '2', .link = std::move(target), .mode = 0777});
}
Tar& Tar::hard_link(std::string name, std::string target) {
    return add({.name = std::move(name), .type = '1', .link = std::move(target)});
}

Tar& Tar::pax(const std::vector<std::pair<std::string, std::string>>& records, char type) {
    std::string body;
    for (const auto& [key, value] : records) {
        const std::string rest = " " + key + "=" + value + "\n";
        std::size_t size = rest.size() + 1;  // the length counts its own digits
        while (std::to_string(size).size() + rest.size() != size)
            size = std::to_string(size).size() + rest.size();
        body += std::to_string(size) + rest;
    }
    return add({.name = "PaxHeaders/x", .type = type, .content = body});
}

Tar& Tar::pax_raw(std::string body) {
    return add({.name = "PaxHeaders/x", .type = 'x', .content = std::move(body)});
}

Tar& Tar::gnu_long(char type, std::string name) {
    return add({.name = "././@LongLink", .type = type, .content = std::move(name) + '\0'});
}

std::string gzip(std::string_view plain) {
    isal_zstream stream;
    isal_deflate_stateless_init(&stream);
    stream.gzip_flag = IGZIP_GZIP;
    stream.end_of_stream = 1;
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<std::uint32_t>(plain.size());
    std::string packed(plain.size() + plain.size() / 100 + 4096, '\0');
    stream.next_out = reinterpret_cast<std::uint8_t*>(packed.data());
    stream.avail_out = static_cast<std::uint32_t>(packed.size());
    if (isal_deflate_stateless(&stream) != COMP_OK) std::abort();
    packed.resize(stream.total_out);
    return packed;
}

std::string zstd(std::string_view plain) {
    std::string packed(ZSTD_compressBound(plain.size()), '\0');
    const std::size_t size =
        ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3);
    if (ZSTD_isError(size)) std::abort();
    packed.resize(size);
    return packed;
}

}  // namespace davit::test
