// SPDX-License-Identifier: Apache-2.0
#include "cli/files.hpp"

#include "cli/output.hpp"
#include "sdk/base/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <climits>
#include <cstdlib>
#include <vector>

namespace davit::cli {
namespace {

constexpr std::size_t kMost = 16u << 20;  // environment files and seccomp profiles have kilobytes

}  // namespace

Result<std::string> read_file(const std::string& path) {
    Fd opened;
    if (path != "-") {
        opened.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!opened) return os_error("open " + path);
    }
    std::string text;
    char block[16384];
    for (;;) {
        const auto got = ::read(opened ? opened.get() : STDIN_FILENO, block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_error("read " + path);
        if (got == 0) return text;
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > kMost) return fail(Code::invalid, "read ", path, ": longer than 16 MiB");
    }
}

Result<void> replace_file(const std::string& path, std::string_view text) {
    char resolved[PATH_MAX];
    const std::string target = ::realpath(path.c_str(), resolved) != nullptr ? resolved : path;
    struct stat before {};
    const mode_t mode = ::stat(target.c_str(), &before) == 0 ? before.st_mode & 0777 : 0600;
    std::string temporary = target + ".XXXXXX";
    Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd) return os_error("create " + temporary);
    auto done = write_all(fd.get(), text);
    if (done && (::fchmod(fd.get(), mode) < 0 || ::rename(temporary.c_str(), target.c_str()) < 0))
        done = os_error("write " + target);
    if (!done) ::unlink(temporary.c_str());
    return done;
}

Result<void> create_file(const std::string& path, std::string_view text) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd) return os_error("create " + path);
    return write_all(fd.get(), text);
}

std::string absolute_path(std::string_view path) {
    std::string whole;
    if (!path.starts_with('/')) {
        char current[PATH_MAX];
        whole = ::getcwd(current, sizeof current) != nullptr ? current : "/";
        whole += '/';
    }
    whole += path;
    std::vector<std::string_view> parts;
    for (std::string_view rest = whole; !rest.empty();) {
        const auto part = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        if (part == ".." && !parts.empty())
            parts.pop_back();
        else if (!part.empty() && part != "." && part != "..")
            parts.push_back(part);
    }
    std::string out;
    for (const auto part : parts) out.append("/").append(part);
    return out.empty() ? "/" : out;
}

}  // namespace davit::cli
