// SPDX-License-Identifier: Apache-2.0
// Tar archives made byte by byte, so that tests can make the ones no honest tool would
// (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::test {

struct TarEntry {
    std::string name;
    char type = '0';
    std::string content = {};
    std::string link = {};
    unsigned mode = 0644;
    std::uint64_t uid = 0;
    std::uint64_t gid = 0;
    std::int64_t mtime = 1000000000;
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::string size_field = {};  // verbatim instead of the content's size
};

class Tar {
public:
    Tar& add(const TarEntry& entry);
    Tar& file(std::string name, std::string content = "x", unsigned mode = 0644);
    Tar& directory(std::string name, unsigned mode = 0755);
    Tar& symlink(std::string name, std::string target);
    Tar& hard_link(std::string name, std::string target);
    // A PAX header for the next entry.
    Tar& pax(const std::vector<std::pair<std::string, std::string>>& records, char type = 'x');
    // The body of a PAX header as it is given.
    Tar& pax_raw(std::string body);
    // GNU's long name ('L') or long link ('K') for the next entry.
    Tar& gnu_long(char type, std::string name);
    Tar& raw(std::string_view bytes) {
        bytes_ += bytes;
        return *this;
    }

    std::string bytes() const { return bytes_ + std::string(1024, '\0'); }
    std::string unfinished() const { return bytes_; }  // without the two blocks of zeros

private:
    std::string bytes_;
};

std::string gzip(std::string_view plain);
std::string zstd(std::string_view plain);

}  // namespace davit::test
