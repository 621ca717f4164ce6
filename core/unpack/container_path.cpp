// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/container_path.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <cerrno>
#include <deque>
#include <vector>

namespace davit::unpack {

namespace {

constexpr int kLinksMax = 40;  // as the kernel's own lookup

std::vector<std::string> components_of(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        if (const auto part = path.substr(0, slash); !part.empty() && part != ".")
            parts.emplace_back(part);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return parts;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string path;
    for (const std::string& part : parts) path += "/" + part;
    return path.empty() ? "/" : path;
}

Result<struct stat> look_at(int parent, const std::string& name, std::string_view path) {
    struct stat status {};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error("look at " + std::string(path));
    return status;
}

}  // namespace

Result<FoundPath> find_path(std::string_view path) {
    const bool directory = path.ends_with('/') || path.ends_with("/.") || path.empty();
    const std::size_t slash = directory ? path.size() : path.rfind('/');
    const std::string above(path.substr(0, slash == std::string_view::npos ? 0 : slash));
    const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return os_error("open root");
    FoundPath found;
    found.name = directory ? "." : std::string(path.substr(slash + 1));
    if (found.name == "..") return fail(Code::invalid, "look at ", path, ": it ends in \"..\"");
    found.parent = TRY(open_in_root(root.get(), above.empty() ? "." : above, O_RDONLY | O_DIRECTORY)
                           .context("look at ", path));
    found.status = TRY(look_at(found.parent.get(), found.name, path));
    return found;
}

Result<std::string> resolved_name(std::string_view path) {
    const std::vector<std::string> first = components_of(path);
    std::deque<std::string> left(first.begin(), first.end());
    std::vector<std::string> done;
    for (int links = 0; !left.empty();) {
        const std::string part = std::move(left.front());
        left.pop_front();
        if (part == "..") {
            if (!done.empty()) done.pop_back();
            continue;
        }
        done.push_back(part);
        const auto target = read_link(AT_FDCWD, joined(done));
        if (!target) continue;  // no link, or not there
        if (++links > kLinksMax) return os_error(ELOOP, "resolve " + std::string(path));
        if (target->starts_with('/'))
            done.clear();
        else
            done.pop_back();
        const auto more = components_of(*target);
        left.insert(left.begin(), more.begin(), more.end());
    }
    return joined(done);
}

}  // namespace davit::unpack
