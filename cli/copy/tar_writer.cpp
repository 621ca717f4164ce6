// SPDX-License-Identifier: Apache-2.0
#include "cli/copy/tar_writer.hpp"

#include "cli/output.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace davit::cli {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::size_t kShort = 100;               // bytes of a name in a header
constexpr std::uint64_t kSizeMax = 077777777777;  // what eleven octal digits hold
constexpr std::uint64_t kIdMax = 07777777;

// The header's fields are octal digits with a NUL behind them.
void put_number(char* field, std::size_t size, std::uint64_t value) {
    for (std::size_t i = size - 1; i-- > 0; value >>= 3)
        field[i] = static_cast<char>('0' + (value & 7));
}

void put_text(char* field, std::size_t size, std::string_view text) {
    std::memcpy(field, text.data(), std::min(size, text.size()));
}

// "<length> key=value\n", where the length counts its own digits.
std::string record(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (std::to_string(length).size() + rest != length) ++length;
    return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

std::string wide_fields(const std::string& name, const struct stat& status, std::uint64_t size,
                        const std::string& link) {
    std::string records;
    if (name.size() > kShort) records += record("path", name);
    if (link.size() > kShort) records += record("linkpath", link);
    if (size > kSizeMax) records += record("size", std::to_string(size));
    if (status.st_uid > kIdMax) records += record("uid", std::to_string(status.st_uid));
    if (status.st_gid > kIdMax) records += record("gid", std::to_string(status.st_gid));
    return records;
}

char type_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFLNK: return '2';
        case S_IFCHR: return '3';
        case S_IFBLK: return '4';
        case S_IFDIR: return '5';
        case S_IFIFO: return '6';
        default: return '0';
    }
}

}  // namespace

Result<void> TarWriter::write(std::string_view bytes) {
    bytes_ += bytes.size();
    return write_all(to_, bytes);
}

Result<void> TarWriter::pad(std::uint64_t size) {
    return write(std::string((kBlock - size % kBlock) % kBlock, '\0'));
}

Result<void> TarWriter::block(char type, const std::string& name, const struct stat& status,
                              std::uint64_t size, const std::string& link) {
    char header[kBlock] = {};
    put_text(header, kShort, name);
    put_number(header + 100, 8, status.st_mode & 07777u);
    put_number(header + 108, 8, std::min<std::uint64_t>(status.st_uid, kIdMax));
    put_number(header + 116, 8, std::min<std::uint64_t>(status.st_gid, kIdMax));
    put_number(header + 124, 12, std::min(size, kSizeMax));
    put_number(header + 136, 12, static_cast<std::uint64_t>(std::max<time_t>(status.st_mtime, 0)));
    std::memset(header + 148, ' ', 8);
    header[156] = type;
    put_text(header + 157, kShort, link);
    std::memcpy(header + 257, "ustar\00000", 8);
    put_number(header + 329, 8, major(status.st_rdev));
    put_number(header + 337, 8, minor(status.st_rdev));
    unsigned sum = 0;
    for (const char byte : header) sum += static_cast<unsigned char>(byte);
    put_number(header + 148, 7, sum);
    header[154] = '\0';
    return write({header, kBlock});
}

Result<void> TarWriter::header(char type, const std::string& shown, const struct stat& status,
                               const std::string& link) {
    const std::uint64_t size = type == '0' ? static_cast<std::uint64_t>(status.st_size) : 0;
    if (const std::string records = wide_fields(shown, status, size, link); !records.empty()) {
        struct stat plain {};
        plain.st_mode = 0644;
        TRY(block('x', "PaxHeaders", plain, records.size(), ""));
        TRY(write(records));
        TRY(pad(records.size()));
    }
    return block(type, shown, status, size, link);
}

Result<void> TarWriter::add_tree(int directory, const std::string& name, const std::string& shown) {
    struct stat status {};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("look at " + shown);
    if (S_ISDIR(status.st_mode)) return add_inside(directory, name, shown);
    if (S_ISSOCK(status.st_mode)) return {};
    if (S_ISREG(status.st_mode)) return add_file(directory, name, shown);
    const std::string link =
        S_ISLNK(status.st_mode) ? TRY(read_link(directory, name)) : std::string();
    return header(type_of(status.st_mode), shown, status, link);
}

Result<void> TarWriter::add_inside(int directory, const std::string& name,
                                   const std::string& shown) {
    const Fd open(
        ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!open || ::fstat(open.get(), &status) != 0) return os_error("open " + shown);
    const std::string place = shown.ends_with('/') ? shown : shown + "/";
    TRY(header('5', place, status, ""));
    auto names = TRY(list_names(open.get()));
    std::sort(names.begin(), names.end());
    for (const std::string& inside : names) {
        auto added = add_tree(open.get(), inside, place + inside);
        if (!added && added.error().code != Code::not_found) return added;
    }
    return {};
}

Result<void> TarWriter::add_file(int directory, const std::string& name, const std::string& shown) {
    const Fd file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return os_error("open " + shown);
    if (status.st_nlink > 1) {
        const auto [known, fresh] = linked_.try_emplace({status.st_dev, status.st_ino}, shown);
        if (!fresh) return header('1', shown, status, known->second);
    }
    TRY(header('0', shown, status, ""));
    const auto size = static_cast<std::uint64_t>(status.st_size);
    std::vector<char> buffer(kPiece);
    for (std::uint64_t left = size; left > 0;) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPiece));
        const ssize_t got = ::read(file.get(), buffer.data(), wanted);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_error("read " + shown);
        if (got == 0) return fail(Code::invalid, "read ", shown, ": it became shorter meanwhile");
        TRY(write({buffer.data(), static_cast<std::size_t>(got)}));
        left -= static_cast<std::uint64_t>(got);
    }
    return pad(size);
}

Result<void> TarWriter::finish() { return write(std::string(2 * kBlock, '\0')); }

}  // namespace davit::cli
