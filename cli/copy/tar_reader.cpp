// SPDX-License-Identifier: Apache-2.0
#include "cli/copy/tar_reader.hpp"

#include <algorithm>
#include <charconv>

namespace davit::cli {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kHeaderMax = 1 << 20;  // a PAX header or long name: the paths of an entry

struct Field {
    std::size_t offset, size;
};
// POSIX.1-2017, pax, "ustar Interchange Format".
constexpr Field kName{0, 100}, kMode{100, 8}, kSize{124, 12}, kModified{136, 12}, kSum{148, 8},
    kLink{157, 100}, kMagic{257, 6}, kMajor{329, 8}, kMinor{337, 8}, kPrefix{345, 155};
constexpr std::size_t kType = 156;

Error corrupt(std::string_view why) { return fail(Code::corrupt, "read archive: ", why); }

std::string text_of(const std::string& block, Field field) {
    const std::string raw = block.substr(field.offset, field.size);
    return raw.substr(0, raw.find('\0'));
}

// Octal digits, or GNU's binary form where the first bit is set.
std::int64_t number_of(const std::string& block, Field field) {
    const std::string raw = block.substr(field.offset, field.size);
    std::int64_t value = 0;
    if ((static_cast<unsigned char>(raw[0]) & 0x80u) != 0) {
        for (std::size_t i = raw.size() - 8; i < raw.size(); ++i)
            value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << 8 |
                                              static_cast<unsigned char>(raw[i]));
        return value;
    }
    const std::size_t begin = raw.find_first_of("01234567");
    if (begin != std::string::npos)
        std::from_chars(raw.data() + begin, raw.data() + raw.size(), value, 8);
    return value;
}

bool sum_is_right(const std::string& block) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        const bool own = i >= kSum.offset && i < kSum.offset + kSum.size;
        sum += own ? ' ' : static_cast<unsigned char>(block[i]);
    }
    return sum == number_of(block, kSum);
}

std::uint64_t padding_of(std::uint64_t size) { return (kBlock - size % kBlock) % kBlock; }

// "30 path=some/name\n", one behind the other.
Result<void> read_records(std::string_view text,
                          std::map<std::string, std::string, std::less<>>& into) {
    while (!text.empty()) {
        std::size_t length = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
        const std::size_t head = static_cast<std::size_t>(end - text.data()) + 1;
        if (error != std::errc() || length > text.size() || length < head + 2)
            return corrupt("a PAX header is damaged");
        const std::string_view record = text.substr(head, length - head - 1);
        const std::size_t equals = record.find('=');
        if (equals == std::string_view::npos) return corrupt("a PAX header is damaged");
        into[std::string(record.substr(0, equals))] = record.substr(equals + 1);
        text.remove_prefix(length);
    }
    return {};
}

std::int64_t whole_number(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace

Result<std::string_view> TarReader::take(std::size_t most) {
    if (buffered_.empty()) buffered_ = TRY(source_());
    const std::string_view taken = buffered_.substr(0, most);
    buffered_.remove_prefix(taken.size());
    return taken;
}

Result<std::string> TarReader::take_all(std::uint64_t bytes) {
    std::string all;
    while (all.size() < bytes) {
        const auto piece = TRY(take(static_cast<std::size_t>(bytes) - all.size()));
        if (piece.empty()) return corrupt("it is cut off");
        all += piece;
    }
    return all;
}

Result<void> TarReader::skip(std::uint64_t bytes) {
    while (bytes > 0) {
        const auto piece =
            TRY(take(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1 << 20))));
        if (piece.empty()) return corrupt("it is cut off");
        bytes -= piece.size();
    }
    return {};
}

// Nothing for the zeros, or the end, behind the last entry.
Result<std::optional<std::string>> TarReader::block() {
    const auto first = TRY(take(kBlock));
    if (first.empty()) return std::optional<std::string>();
    std::string block(first);
    block += TRY(take_all(kBlock - block.size()));
    if (block.find_first_not_of('\0') == std::string::npos) return std::optional<std::string>();
    if (!sum_is_right(block)) return corrupt("a header is damaged");
    return std::optional<std::string>(std::move(block));
}

Result<std::optional<TarEntry>> TarReader::next() {
    TRY(skip(left_ + padding_));
    left_ = padding_ = 0;
    Records records;
    for (;;) {
        const auto found = TRY(block());
        if (!found) return std::optional<TarEntry>();
        const char type = (*found)[kType];
        if (type != 'x' && type != 'g' && type != 'L' && type != 'K')
            return std::optional<TarEntry>(TRY(entry_of(*found, records)));
        const auto size = static_cast<std::uint64_t>(number_of(*found, kSize));
        if (size > kHeaderMax) return corrupt("a header is too long");
        const std::string text = TRY(take_all(size));
        TRY(skip(padding_of(size)));
        if (type == 'x') TRY(read_records(text, records));
        if (type == 'L') records["path"] = text.substr(0, text.find('\0'));
        if (type == 'K') records["linkpath"] = text.substr(0, text.find('\0'));
    }
}

Result<TarEntry> TarReader::entry_of(const std::string& block, const Records& records) {
    TarEntry entry{.type = block[kType] == '\0' || block[kType] == '7' ? '0' : block[kType],
                   .name = text_of(block, kName),
                   .link = text_of(block, kLink),
                   .mode = static_cast<unsigned>(number_of(block, kMode)) & 07777u,
                   .size = static_cast<std::uint64_t>(number_of(block, kSize)),
                   .modified = number_of(block, kModified),
                   .device_major = static_cast<unsigned>(number_of(block, kMajor)),
                   .device_minor = static_cast<unsigned>(number_of(block, kMinor))};
    const std::string prefix = text_of(block, kPrefix);
    if (text_of(block, kMagic) == "ustar" && !prefix.empty())
        entry.name = prefix + "/" + entry.name;
    for (const auto& [key, value] : records) {
        if (key == "path") entry.name = value;
        if (key == "linkpath") entry.link = value;
        if (key == "size") entry.size = static_cast<std::uint64_t>(whole_number(value));
        if (key == "mtime") entry.modified = whole_number(value);
        if (key.starts_with("GNU.sparse.")) return corrupt("sparse files are not expected");
    }
    if (entry.type != '0') entry.size = 0;
    left_ = entry.size;
    padding_ = padding_of(entry.size);
    return entry;
}

Result<std::string_view> TarReader::content() {
    if (left_ == 0) return std::string_view();
    const auto piece = TRY(take(static_cast<std::size_t>(std::min<std::uint64_t>(left_, 1 << 20))));
    if (piece.empty()) return corrupt("it is cut off");
    left_ -= piece.size();
    return piece;
}

Result<void> TarReader::drain() {
    while (!TRY(take(1 << 20)).empty()) {
    }
    return {};
}

}  // namespace davit::cli
