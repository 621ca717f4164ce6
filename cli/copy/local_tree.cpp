// SPDX-License-Identifier: Apache-2.0
#include "cli/copy/local_tree.hpp"

#include "cli/output.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

namespace davit::cli {

namespace {

bool leads_out(std::string_view name) {
    while (!name.empty()) {
        const std::size_t slash = name.find('/');
        if (name.substr(0, slash) == "..") return true;
        name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
    }
    return false;
}

Result<void> set_time(int directory, const char* name, std::int64_t modified) {
    const timespec times[2] = {{modified, 0}, {modified, 0}};
    const int done = name == nullptr ? ::futimens(directory, times)
                                     : ::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW);
    if (done != 0) return os_error("set time");
    return {};
}

mode_t kind_of(char type) {
    if (type == '3') return S_IFCHR;
    return type == '4' ? S_IFBLK : S_IFIFO;
}

}  // namespace

Result<LocalTree> LocalTree::open(const std::string& directory) {
    return LocalTree(TRY(open_directory(directory, O_RDONLY)));
}

Result<LocalTree::Place> LocalTree::place(const std::string& name) const {
    if (leads_out(name)) return fail(Code::invalid, "write ", name, ": it leads out");
    const std::size_t slash = name.rfind('/');
    const std::string above = slash == std::string::npos ? "." : name.substr(0, slash);
    return Place{TRY(open_beneath(top_.get(), above, O_RDONLY | O_DIRECTORY)),
                 slash == std::string::npos ? name : name.substr(slash + 1)};
}

// What is there goes, unless it is a directory and shall be one.
Result<void> LocalTree::make_way(const Place& at, const TarEntry& entry) const {
    struct stat there {};
    if (::fstatat(at.directory.get(), at.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? Result<void>() : os_error("look at " + at.name);
    const bool is = S_ISDIR(there.st_mode), shall = entry.type == '5';
    if (is != shall)
        return fail(Code::invalid, "cannot overwrite ", is ? "directory" : "non-directory", " \"",
                    at.name, "\" with ", is ? "non-directory" : "directory", " \"", entry.name,
                    "\"");
    if (!is && ::unlinkat(at.directory.get(), at.name.c_str(), 0) != 0)
        return os_error("replace " + at.name);
    return {};
}

Result<void> LocalTree::add(const TarEntry& entry, const std::string& name, const std::string& link,
                            TarReader& reader) {
    if (name.empty()) return {};  // the directory itself, which is there
    const Place at = TRY(place(name));
    TRY(make_way(at, entry));
    if (entry.type == '0') return add_file(entry, at, reader).context("write ", name);
    if (entry.type != '5') return add_special(entry, at, link).context("write ", name);
    if (::mkdirat(at.directory.get(), at.name.c_str(), 0700) != 0 && errno != EEXIST)
        return os_error("make directory " + name);
    directories_.push_back({name, entry.mode, entry.modified});
    return {};
}

Result<void> LocalTree::write_content(int file, TarReader& reader) {
    for (;;) {
        const auto piece = TRY(reader.content());
        if (piece.empty()) return {};
        TRY(write_all(file, piece));
    }
}

Result<void> LocalTree::add_file(const TarEntry& entry, const Place& at, TarReader& reader) const {
    const Fd file(::openat(at.directory.get(), at.name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return os_error("make file");
    TRY(write_content(file.get(), reader));
    if (::fchmod(file.get(), entry.mode) != 0) return os_error("set mode");
    return set_time(file.get(), nullptr, entry.modified);
}

Result<void> LocalTree::add_special(const TarEntry& entry, const Place& at,
                                    const std::string& link) const {
    const int directory = at.directory.get();
    const char* name = at.name.c_str();
    if (entry.type == '1') {
        const Place from = TRY(place(link));
        if (::linkat(from.directory.get(), from.name.c_str(), directory, name, 0) != 0)
            return os_error("make hard link");
        return {};
    }
    if (entry.type == '2') {
        if (::symlinkat(entry.link.c_str(), directory, name) != 0)
            return os_error("make symbolic link");
        return set_time(directory, name, entry.modified);
    }
    if (entry.type != '3' && entry.type != '4' && entry.type != '6')
        return fail(Code::corrupt, "read archive: an entry of unknown type");
    const dev_t device = makedev(entry.device_major, entry.device_minor);
    if (::mknodat(directory, name, kind_of(entry.type) | entry.mode, device) != 0)
        return os_error("make node");
    return set_time(directory, name, entry.modified);
}

// Deepest last in the archive, so from its end.
Result<void> LocalTree::finish() {
    for (auto made = directories_.rbegin(); made != directories_.rend(); ++made) {
        const Fd directory = TRY(open_beneath(top_.get(), made->name, O_RDONLY | O_DIRECTORY));
        if (::fchmod(directory.get(), made->mode) != 0) return os_error("set mode " + made->name);
        TRY(set_time(directory.get(), nullptr, made->modified));
    }
    return {};
}

}  // namespace davit::cli
