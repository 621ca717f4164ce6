// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/mount_point.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <deque>
#include <string_view>
#include <vector>

namespace davit::sdk {

namespace {

constexpr int kMaxLinks = 40;  // as the kernel's own lookup

void push_components(std::deque<std::string>& left, std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        if (const auto part = path.substr(0, end); !part.empty() && part != ".")
            parts.emplace_back(part);
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    left.insert(left.begin(), parts.begin(), parts.end());
}

// A place below the root, as the chain of open directories that leads to it: ".." goes back along
// the chain, so a directory that somebody moves meanwhile cannot lead us out.
class Walk {
public:
    Walk(int root, const std::string& path, PointKind kind)
        : root_(root), path_(path), kind_(kind) {
        push_components(left_, path);
    }

    Result<Fd> run() {
        while (!left_.empty()) {
            const std::string name = std::move(left_.front());
            left_.pop_front();
            if (name == "..") {
                if (!chain_.empty()) chain_.pop_back();
            } else {
                TRY(step(name));
            }
        }
        return finish();
    }

private:
    int here() const { return chain_.empty() ? root_ : chain_.back().get(); }

    Result<void> step(const std::string& name) {
        Fd next(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!next && errno == ENOENT) {
            TRY(make(name));
            next = Fd(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        }
        if (!next) return os_error("open " + path_);
        struct stat status {};
        if (::fstat(next.get(), &status) != 0) return os_error("stat " + path_);
        if (S_ISLNK(status.st_mode)) return follow(name);
        if (!S_ISDIR(status.st_mode) && !left_.empty()) return os_error(ENOTDIR, "open " + path_);
        chain_.push_back(std::move(next));
        return {};
    }

    // O_EXCL and mkdirat never follow a link that has just been put there.
    Result<void> make(const std::string& name) {
        if (kind_ == PointKind::file && left_.empty()) {
            Fd made(::openat(here(), name.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
            if (!made && errno != EEXIST) return os_error("make file " + path_);
            return {};
        }
        if (::mkdirat(here(), name.c_str(), 0755) != 0 && errno != EEXIST)
            return os_error("make directory " + path_);
        return {};
    }

    Result<void> follow(const std::string& name) {
        if (++links_ > kMaxLinks) return os_error(ELOOP, "open " + path_);
        const std::string target = TRY(read_link(here(), name));
        if (target.starts_with('/')) chain_.clear();
        push_components(left_, target);
        return {};
    }

    Result<Fd> finish() {
        Fd found(chain_.empty() ? ::fcntl(root_, F_DUPFD_CLOEXEC, 0) : chain_.back().release());
        struct stat status {};
        if (!found || ::fstat(found.get(), &status) != 0) return os_error("open " + path_);
        if (S_ISDIR(status.st_mode) != (kind_ == PointKind::directory))
            return os_error(S_ISDIR(status.st_mode) ? EISDIR : ENOTDIR, "mount over " + path_);
        return found;
    }

    int root_;
    const std::string& path_;
    PointKind kind_;
    std::deque<std::string> left_;
    std::vector<Fd> chain_;
    int links_ = 0;
};

}  // namespace

Result<Fd> make_mount_point(int root, const std::string& path, PointKind kind) {
    return Walk(root, path, kind).run();
}

}  // namespace davit::sdk
