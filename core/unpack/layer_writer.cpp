// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/layer_writer.hpp"

#include "core/unpack/entry_name.hpp"
#include "core/unpack/limits.hpp"
#include "core/unpack/xattr_rules.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cerrno>

namespace davit::unpack {

namespace {

constexpr mode_t kPermissions = 07777;
constexpr mode_t kSetIds = S_ISUID | S_ISGID;

Error needs_parent(const char* why) { return fail(Code::conflict, "needs its parent: ", why); }

bool is_whiteout(const struct stat& status) {
    return S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

// Errors of looking a parent up that may be an answer of the layers below.
bool may_lie_below(const Error& error) {
    return error.code == Code::not_found || error.os_errno == ENOTDIR;
}

Result<void> set_times(int directory, const char* name, const timespec& modified) {
    const timespec times[2] = {modified, modified};
    const int done = name == nullptr ? ::futimens(directory, times)
                                     : ::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW);
    if (done != 0) return os_error("set times");
    return {};
}

// Owner first: chown(2) takes set-id bits and file capabilities away.
Result<void> own_file(const Entry& entry, int file, bool inherits_group) {
    if (entry.uid != 0 || entry.gid != 0 || inherits_group) {
        if (::fchown(file, entry.uid, entry.gid) != 0) return os_error("set owner");
        if ((entry.mode & kSetIds) != 0 && ::fchmod(file, entry.mode & kPermissions) != 0)
            return os_error("set mode");
    }
    TRY(set_xattrs(file, entry.xattrs));
    return set_times(file, nullptr, entry.modified);
}

}  // namespace

Result<void> LayerWriter::add(const Entry& entry, Archive& archive) {
    if (++written_.entries > kEntriesMax)
        return fail(Code::invalid, "count entries: too many in one layer");
    TRY(check_xattrs(entry.xattrs));
    if (entry.name.empty()) return add_root(entry);
    if (reading_.whiteouts && TRY(delete_below(entry))) return {};
    if (entry.kind == EntryKind::hard_link) return add_hard_link(entry);
    const Place at = TRY(place(entry.name));
    if (reading_.keep_kinds) TRY(check_kind(entry, at));
    switch (entry.kind) {
        case EntryKind::file: TRY(add_file(entry, at, archive)); break;
        case EntryKind::directory: TRY(add_directory(entry, at)); break;
        default: TRY(add_special(entry, at)); break;
    }
    return {};
}

Result<bool> LayerWriter::delete_below(const Entry& entry) {
    const Deletion deletion = TRY(deletion_of(entry.name));
    if (deletion.mark == Mark::none) return false;
    const std::string_view parent = split(entry.name).parent;
    if (deletion.mark == Mark::whiteout) {
        // The AUFS file system's own whiteouts are hard links to one file.
        if (entry.kind != EntryKind::file && entry.kind != EntryKind::hard_link)
            return fail(Code::invalid, "read whiteout: it is not a file");
        TRY(apply_whiteout(parent, std::string(deletion.target)));
    }
    if (deletion.mark == Mark::opaque) {
        if (entry.kind != EntryKind::file)
            return fail(Code::invalid, "read opaque marker: it is not a file");
        TRY(apply_opaque(parent));
    }
    return true;
}

// In docker's words.
Result<void> LayerWriter::check_kind(const Entry& entry, const Place& at) const {
    const auto there = Tree::look(*at.parent, at.name);
    if (!there) return {};
    const bool is_directory = S_ISDIR(there->st_mode);
    if (is_directory == (entry.kind == EntryKind::directory)) return {};
    const char* is = is_directory ? "directory" : "non-directory";
    const char* with = is_directory ? "non-directory" : "directory";
    return fail(Code::invalid, "cannot overwrite ", is, " \"/", at.parent->path_of(at.name),
                "\" with ", with, " \"", entry.name, "\"");
}

Result<LayerWriter::Place> LayerWriter::place(std::string_view path) {
    const Name name = split(path);
    auto parent =
        view_ == View::merged ? tree_.make_directories(name.parent) : tree_.directory(name.parent);
    if (!parent && view_ == View::bare && may_lie_below(parent.error()))
        return needs_parent("its archive lacks a directory");
    if (!parent) return std::move(parent).error().context("open parent directory");
    return Place{*parent, std::string(name.base)};
}

// Rule R-35: the root of a layer is a directory and stays one.
Result<void> LayerWriter::add_root(const Entry& entry) {
    if (entry.kind != EntryKind::directory)
        return fail(Code::invalid, "read root entry: it is not a directory");
    const auto root = TRY(tree_.directory(""));
    return own_directory(entry, *root, false);
}

Result<void> LayerWriter::add_file(const Entry& entry, const Place& at, Archive& archive) {
    const auto create = [&] {
        return Fd(::openat(at.parent->fd.get(), at.name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           entry.mode & kPermissions));
    };
    Fd file = create();
    if (!file && errno == EEXIST) {
        TRY(tree_.remove(*at.parent, at.name));
        file = create();
    }
    if (!file) return os_error("create file");
    remember(*at.parent, at.name);
    const bool inherits_group = at.parent->setgid;
    TRY(fill(entry, file.get(), archive));
    return own_file(entry, file.get(), inherits_group);
}

Result<void> LayerWriter::fill(const Entry& entry, int file, Archive& archive) {
    std::uint64_t end = 0;
    TRY(archive.content([&](std::uint64_t offset, std::string_view bytes) -> Result<void> {
        while (!bytes.empty()) {
            const ssize_t put =
                ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return os_error("write file");
            bytes.remove_prefix(static_cast<std::size_t>(put));
            offset += static_cast<std::uint64_t>(put);
        }
        end = offset;
        return {};
    }));
    if (end != entry.size && !entry.sparse)
        return fail(Code::corrupt, "read content: it is cut off");
    if (end < entry.size && ::ftruncate(file, static_cast<off_t>(entry.size)) != 0)
        return os_error("set file size");
    written_.bytes += entry.size;
    return {};
}

Result<void> LayerWriter::add_directory(const Entry& entry, const Place& at) {
    const auto create = [&] {
        return ::mkdirat(at.parent->fd.get(), at.name.c_str(), entry.mode & kPermissions);
    };
    int done = create();
    bool replaced = false;
    if (done != 0 && errno == EEXIST) {
        const struct stat there = TRY(Tree::look(*at.parent, at.name));
        if (!S_ISDIR(there.st_mode)) {
            TRY(tree_.remove(*at.parent, at.name));
            done = create();
            replaced = done == 0;
        }
    }
    if (done != 0 && errno != EEXIST) return os_error("make directory");
    remember(*at.parent, at.name);
    const auto made = TRY(tree_.enter(*at.parent, entry.name, at.name));
    // What was there hid the layers below: a bare directory alone would show them again.
    if (replaced && view_ == View::bare) TRY(set_opaque_(made->fd.get()));
    return own_directory(entry, *made, done == 0 && !at.parent->setgid);
}

Result<void> LayerWriter::own_directory(const Entry& entry, Directory& directory, bool fresh) {
    const int fd = directory.fd.get();
    if (!fresh || entry.uid != 0 || entry.gid != 0)
        if (::fchown(fd, entry.uid, entry.gid) != 0) return os_error("set owner");
    // mkdir(2) ignores set-id bits.
    if (!fresh || (entry.mode & kSetIds) != 0)
        if (::fchmod(fd, entry.mode & kPermissions) != 0) return os_error("set mode");
    directory.setgid = (entry.mode & S_ISGID) != 0;
    TRY(set_xattrs(fd, entry.xattrs));
    times_.push_back({directory.path, entry.modified});
    return {};
}

Result<void> LayerWriter::add_special(const Entry& entry, const Place& at) {
    const int parent = at.parent->fd.get();
    const auto create = [&] {
        if (entry.kind == EntryKind::symbolic_link)
            return ::symlinkat(entry.link.c_str(), parent, at.name.c_str());
        return ::mknodat(parent, at.name.c_str(), entry.mode, entry.device);
    };
    int done = create();
    if (done != 0 && errno == EEXIST) {
        TRY(tree_.remove(*at.parent, at.name));
        done = create();
    }
    if (done != 0)
        return os_error(entry.kind == EntryKind::symbolic_link ? "make symbolic link"
                                                               : "make node");
    remember(*at.parent, at.name);
    if (entry.uid != 0 || entry.gid != 0 || at.parent->setgid)
        if (::fchownat(parent, at.name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
            return os_error("set owner");
    return set_times(parent, at.name.c_str(), entry.modified);
}

// Rule R-31: both ends by descriptor, and a symbolic link is linked itself, never followed.
Result<void> LayerWriter::add_hard_link(const Entry& entry) {
    if (entry.link.empty()) return fail(Code::invalid, "make hard link: to the root directory");
    const Place at = TRY(place(entry.name));
    const Name name = split(entry.link);
    const std::string target(name.base);
    const auto from = tree_.directory(name.parent);
    const auto there = from ? Tree::look(**from, target) : Result<struct stat>(from.error());
    if (!there && view_ == View::bare && may_lie_below(there.error()))
        return needs_parent("a hard link leads to a file of a lower layer");
    if (!there) return fail(there.error().code, "make hard link: no file /", entry.link);
    if (is_whiteout(*there))
        return fail(Code::invalid, "make hard link: /", entry.link, " is deleted");
    const auto link = [&] {
        return ::linkat((*from)->fd.get(), target.c_str(), at.parent->fd.get(), at.name.c_str(), 0);
    };
    int done = link();
    if (done != 0 && errno == EEXIST) {
        const struct stat taken = TRY(Tree::look(*at.parent, at.name));
        if (taken.st_ino == there->st_ino && taken.st_dev == there->st_dev)
            return {};  // linked already
        TRY(tree_.remove(*at.parent, at.name));
        done = link();
    }
    if (done != 0) return os_error("make hard link to /" + entry.link);
    remember(*at.parent, at.name);
    return {};
}

Result<void> LayerWriter::apply_whiteout(std::string_view parent, const std::string& target) {
    const auto directory = tree_.directory(parent);
    if (view_ == View::merged) {
        if (!directory && may_lie_below(directory.error())) return {};  // nothing there to delete
        if (!directory) return directory.error();
        return prune(**directory, target);
    }
    if (!directory && may_lie_below(directory.error()))
        return needs_parent("its archive lacks the directory of a deletion");
    if (!directory) return directory.error();
    const int fd = (*directory)->fd.get();
    if (::mknodat(fd, target.c_str(), S_IFCHR | 0600, makedev(0, 0)) == 0) return {};
    if (errno != EEXIST) return os_error("make whiteout");
    // Made by this layer: a directory must hide the one below, anything else does so already.
    const struct stat there = TRY(Tree::look(**directory, target));
    if (!S_ISDIR(there.st_mode)) return {};
    const std::string path = parent.empty() ? target : std::string(parent) + "/" + target;
    const auto made = TRY(tree_.enter(**directory, path, target));
    return set_opaque_(made->fd.get());
}

Result<void> LayerWriter::apply_opaque(std::string_view path) {
    const auto directory = tree_.directory(path);
    if (view_ == View::merged) {
        if (!directory && may_lie_below(directory.error())) return {};
        if (!directory) return directory.error();
        return prune_inside(**directory);
    }
    // The overlay file system does not look for the mark on a layer's root.
    if (path.empty()) return needs_parent("it hides everything below");
    if (!directory && may_lie_below(directory.error()))
        return needs_parent("its archive lacks an opaque directory");
    if (!directory) return directory.error();
    return set_opaque_((*directory)->fd.get());
}

// Removes `name` and what is in it, except what this layer made.
Result<void> LayerWriter::prune(const Directory& directory, const std::string& name) {
    const auto there = Tree::look(directory, name);
    if (!there && there.error().code == Code::not_found) return {};
    if (!there) return there.error();
    const bool keep = made_here(directory, name);
    if (!S_ISDIR(there->st_mode)) return keep ? Result<void>() : tree_.remove(directory, name);
    Fd fd(::openat(directory.fd.get(), name.c_str(),
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return os_error("open directory");
    TRY(prune_inside(Directory{std::move(fd), directory.path_of(name), false}));
    if (keep) return {};
    if (::unlinkat(directory.fd.get(), name.c_str(), AT_REMOVEDIR) == 0) {
        tree_.forget();
        return {};
    }
    return errno == ENOTEMPTY ? Result<void>() : os_error("remove directory");
}

Result<void> LayerWriter::prune_inside(const Directory& directory) {
    for (const std::string& name : TRY(list_names(directory.fd.get()))) TRY(prune(directory, name));
    return {};
}

void LayerWriter::remember(const Directory& parent, const std::string& name) {
    if (view_ == View::merged) made_.insert(std::hash<std::string>()(parent.path_of(name)));
}

bool LayerWriter::made_here(const Directory& parent, const std::string& name) const {
    return made_.contains(std::hash<std::string>()(parent.path_of(name)));
}

// Later entries of a directory changed its time; one that was replaced by something else is passed
// over.
Result<void> LayerWriter::finish() {
    for (const DirectoryTime& time : times_) {
        const auto directory = tree_.directory(time.path);
        if (!directory &&
            (directory.error().code == Code::not_found || directory.error().code == Code::invalid))
            continue;
        if (!directory) return directory.error();
        if ((*directory)->path != time.path) continue;
        TRY(set_times((*directory)->fd.get(), nullptr, time.modified));
    }
    return {};
}

}  // namespace davit::unpack
