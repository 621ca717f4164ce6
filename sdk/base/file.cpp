// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/file.hpp"

#include "sdk/base/undo.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>

namespace davit {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Result<Fd> open_resolved(int directory, const std::string& path, const open_how& how) {
    // EAGAIN: a rename raced with the walk and the kernel could not prove that it stayed inside.
    constexpr int kAttempts = 128;
    for (int attempt = 0;; ++attempt) {
        Fd fd(static_cast<int>(
            ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof(struct open_how))));
        if (fd) return fd;
        if ((errno != EAGAIN && errno != EINTR) || attempt == kAttempts)
            return os_error("open " + path);
    }
}

open_how how_to_open(int flags, mode_t mode, std::uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) how.mode = mode;
    how.resolve = resolve;
    return how;
}

bool is_dots(const char* name) {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// A stream of its own over the directory behind `fd`; the position of `fd` itself stays.
Result<Directory> open_stream(int fd) {
    Fd own(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) return os_error("open directory");
    Directory stream(::fdopendir(own.get()));
    if (!stream) return os_error("read directory");
    (void)own.release();
    return stream;
}

}  // namespace

Result<Fd> open_beneath(int directory, const std::string& path, int flags, mode_t mode) {
    return open_resolved(directory, path,
                         how_to_open(flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
}

Result<Fd> open_in_root(int directory, const std::string& path, int flags, mode_t mode) {
    return open_resolved(directory, path,
                         how_to_open(flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
}

Result<Fd> open_directory(const std::string& path, int flags) {
    Fd fd(::open(path.c_str(), flags | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return os_error("open " + path);
    return fd;
}

Result<void> make_directory(int directory, const std::string& name, mode_t mode) {
    if (::mkdirat(directory, name.c_str(), mode) != 0) {
        if (errno == EEXIST) return {};
        return os_error("make directory " + name);
    }
    struct stat status {};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("stat " + name);
    if ((status.st_mode & 07777) == mode) return {};  // the umask took nothing away
    const Fd made = TRY(open_beneath(directory, name, O_RDONLY | O_DIRECTORY));
    if (::fchmod(made.get(), mode) != 0) return os_error("set mode of " + name);
    return {};
}

Result<std::vector<std::string>> list_names(int directory) {
    const Directory stream = TRY(open_stream(directory));
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
        if (!is_dots(entry->d_name)) names.emplace_back(entry->d_name);
        errno = 0;
    }
    if (errno != 0) return os_error("read directory");
    return names;
}

Result<std::string> read_all(int fd, std::size_t limit) {
    std::string data;
    char buffer[16384];
    for (;;) {
        const ssize_t count = ::read(fd, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return os_error("read");
        if (count == 0) return data;
        if (data.size() + static_cast<std::size_t>(count) > limit)
            return fail(Code::invalid, "read: more than ", std::to_string(limit), " bytes");
        data.append(buffer, static_cast<std::size_t>(count));
    }
}

Result<std::string> read_file(int directory, const std::string& path, std::size_t limit) {
    const Fd fd = TRY(open_beneath(directory, path, O_RDONLY));
    return read_all(fd.get(), limit).context("read " + path);
}

Result<void> write_all(int fd, std::string_view data) {
    while (!data.empty()) {
        const ssize_t count = ::write(fd, data.data(), data.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return os_error("write");
        data.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> atomic_write(int directory, const std::string& name, std::string_view data,
                          mode_t mode, Sync sync) {
    static std::atomic<unsigned> serial{0};
    const std::string temporary =
        "." + name + "." + std::to_string(::getpid()) + "-" + std::to_string(serial++);
    Fd fd =
        TRY(open_beneath(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
    Undo forget([&] { ::unlinkat(directory, temporary.c_str(), 0); });
    TRY(write_all(fd.get(), data).context("write " + name));
    if (::fchmod(fd.get(), mode) != 0) return os_error("set mode of " + name);
    if (sync == Sync::yes && ::fdatasync(fd.get()) != 0) return os_error("sync " + name);
    if (::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0)
        return os_error("replace " + name);
    forget.keep();
    if (sync == Sync::no) return {};
    const Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own || ::fsync(own.get()) != 0) return os_error("sync directory of " + name);
    return {};
}

Result<void> move_beneath(int directory, const std::string& from, const std::string& to) {
    if (::renameat(directory, from.c_str(), directory, to.c_str()) == 0) return {};
    return os_error("move " + from + " to " + to);
}

Result<std::string> read_link(int directory, const std::string& name) {
    char target[4096];
    const ssize_t length = ::readlinkat(directory, name.c_str(), target, sizeof target);
    if (length < 0) return os_error("read link " + name);
    return std::string(target, static_cast<std::size_t>(length));
}

// --- removal
// ---------------------------------------------------------------------------------------

namespace {

// One removal. Directories deeper than kDepth below the top are moved up beside it and removed
// after it, so that neither descriptors nor the stack grow with the depth of a tree that a
// container made.
class Removal {
public:
    Removal(int top, const StopFlag& stop) : top_(top), stop_(stop) {}

    Result<void> run(const std::string& name) {
        TRY(remove(top_, name, 0));
        while (!deep_.empty()) {
            const std::string next = std::move(deep_.back());
            deep_.pop_back();
            TRY(remove(top_, next, 0));
        }
        return {};
    }

private:
    static constexpr int kDepth = 64;

    Result<void> remove(int parent, const std::string& name, int depth) {
        if (stop_ && stop_()) return fail(Code::cancelled, "remove ", name, ": cancelled");
        if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
        if (errno != EISDIR && errno != EPERM) return os_error("remove " + name);
        const int unlink_error = errno;
        open_how how = how_to_open(O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                                   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
        Result<Fd> opened = open_resolved(parent, name, how);
        if (!opened && opened.error().os_errno == ENOTDIR)
            return os_error(unlink_error, "remove " + name);
        const Fd directory = TRY(std::move(opened));
        if (depth >= kDepth) return move_up(parent, name);
        // Another pass finds what a file system skipped while its directory shrank under the
        // reader.
        do {
            TRY(empty(directory.get(), depth));
            if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
        } while (errno == ENOTEMPTY);
        return os_error("remove directory " + name);
    }

    Result<void> empty(int directory, int depth) {
        const Directory stream = TRY(open_stream(directory));
        errno = 0;
        while (const dirent* entry = ::readdir(stream.get())) {
            if (!is_dots(entry->d_name)) TRY(remove(directory, entry->d_name, depth + 1));
            errno = 0;
        }
        if (errno != 0) return os_error("read directory");
        return {};
    }

    Result<void> move_up(int parent, const std::string& name) {
        static std::atomic<unsigned> serial{0};
        const std::string up =
            ".deep-" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
        if (::renameat2(parent, name.c_str(), top_, up.c_str(), RENAME_NOREPLACE) != 0)
            return os_error("move deep directory " + name);
        deep_.push_back(up);
        return {};
    }

    int top_;
    const StopFlag& stop_;
    std::vector<std::string> deep_;
};

// --- measuring
// -------------------------------------------------------------------------------------

// A depth-first walk that keeps kOpen directories open and comes back to others through "..",
// checked against the inode that it left, as fts(3) does.
class Walk {
public:
    explicit Walk(const std::function<Result<void>(const struct stat&)>& visit) : visit_(visit) {}

    Result<void> run(int root) {
        struct stat status {};
        if (::fstat(root, &status) != 0) return os_error("stat directory");
        device_ = status.st_dev;
        TRY(visit_(status));
        Fd own(::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!own) return os_error("open directory");
        TRY(enter(std::move(own), status));
        while (!frames_.empty()) TRY(step());
        return {};
    }

private:
    static constexpr std::size_t kOpen = 64;
    struct Frame {
        Fd fd;
        ino_t inode;
        std::vector<std::string> children;  // directories still to be entered
    };

    Result<void> step() {
        Frame& frame = frames_.back();
        if (frame.children.empty()) return leave();
        const std::string name = std::move(frame.children.back());
        frame.children.pop_back();
        Fd child(::openat(frame.fd.get(), name.c_str(),
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!child && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return {};  // gone
        if (!child) return os_error("open directory " + name);
        struct stat status {};
        if (::fstat(child.get(), &status) != 0) return os_error("stat " + name);
        if (status.st_dev != device_) return {};
        return enter(std::move(child), status);
    }

    Result<void> enter(Fd directory, const struct stat& status) {
        std::vector<std::string> children;
        const Directory stream = TRY(open_stream(directory.get()));
        errno = 0;
        while (const dirent* entry = ::readdir(stream.get())) {
            if (!is_dots(entry->d_name)) TRY(look_at(directory.get(), entry->d_name, children));
            errno = 0;
        }
        if (errno != 0) return os_error("read directory");
        if (frames_.size() >= kOpen) frames_[frames_.size() - kOpen].fd.reset();
        frames_.push_back({std::move(directory), status.st_ino, std::move(children)});
        return {};
    }

    Result<void> look_at(int directory, const char* name, std::vector<std::string>& children) {
        struct stat status {};
        if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
            if (errno == ENOENT) return {};
            return os_error(std::string("stat ") + name);
        }
        if (status.st_dev != device_) return {};
        if (S_ISDIR(status.st_mode)) children.emplace_back(name);
        return visit_(status);
    }

    Result<void> leave() {
        const Fd left = std::move(frames_.back().fd);
        frames_.pop_back();
        if (frames_.empty() || frames_.back().fd) return {};
        Fd parent(::openat(left.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        struct stat status {};
        if (!parent || ::fstat(parent.get(), &status) != 0) return os_error("open directory ..");
        if (status.st_ino != frames_.back().inode || status.st_dev != device_)
            return fail(Code::busy, "walk tree: a directory was moved meanwhile");
        frames_.back().fd = std::move(parent);
        return {};
    }

    const std::function<Result<void>(const struct stat&)>& visit_;
    dev_t device_ = 0;
    std::vector<Frame> frames_;
};

}  // namespace

Result<void> remove_tree(int directory, const std::string& name, const StopFlag& stop) {
    return Removal(directory, stop).run(name);
}

Result<void> visit_tree(int directory,
                        const std::function<Result<void>(const struct stat&)>& visit) {
    return Walk(visit).run(directory);
}

}  // namespace davit
