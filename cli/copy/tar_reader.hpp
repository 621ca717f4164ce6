// SPDX-License-Identifier: Apache-2.0
// Reads a tar archive (ustar, PAX, GNU's long names) as it comes. What it says is the daemon's
// word: names are handed on as they are, and whoever makes files of them looks at them first.
// (libarchive is no choice here: the command line is a static program, and starts in a
// millisecond.)
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace davit::cli {

struct TarEntry {
    char type = '0';  // of POSIX: '0' file, '1' hard link, '2' symbolic link, '3' '4' device, '5'
                      // directory, '6' fifo
    std::string name, link;
    unsigned mode = 0;
    std::uint64_t size = 0;
    std::int64_t modified = 0;
    unsigned device_major = 0, device_minor = 0;
};

class TarReader {
public:
    // The next bytes, empty at the end; valid until the next call.
    using Source = std::function<Result<std::string_view>()>;
    explicit TarReader(Source source) : source_(std::move(source)) {}

    // Skips what is left of the entry before. Nothing at the end of the archive. Errors: corrupt.
    Result<std::optional<TarEntry>> next();
    // The next bytes of the entry's content, empty at its end.
    Result<std::string_view> content();
    // Reads to the end of the stream.
    Result<void> drain();

private:
    using Records = std::map<std::string, std::string, std::less<>>;
    Result<std::string_view> take(std::size_t most);
    Result<std::string> take_all(std::uint64_t bytes);
    Result<void> skip(std::uint64_t bytes);
    Result<std::optional<std::string>> block();
    Result<TarEntry> entry_of(const std::string& block, const Records& records);

    Source source_;
    std::string_view buffered_;
    std::uint64_t left_ = 0;     // of the current content
    std::uint64_t padding_ = 0;  // behind it
};

}  // namespace davit::cli
