// SPDX-License-Identifier: Apache-2.0
#include "core/image/archive_logs.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

namespace davit::image {

Result<ArchiveLogs> ArchiveLogs::open(int data_root) {
    TRY(make_directory(data_root, "content"));
    Fd content = TRY(open_beneath(data_root, "content", O_RDONLY | O_DIRECTORY));
    TRY(make_directory(content.get(), "logs"));
    return ArchiveLogs(TRY(open_beneath(content.get(), "logs", O_RDONLY | O_DIRECTORY)));
}

Result<Fd> ArchiveLogs::create() const {
    Fd log(::openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!log) return os_error("make archive log");
    return log;
}

Result<void> ArchiveLogs::keep(int log, const Digest& diff_id) const {
    const std::string path = "/proc/self/fd/" + std::to_string(log);
    if (::linkat(AT_FDCWD, path.c_str(), directory_.get(), diff_id.hex().c_str(),
                 AT_SYMLINK_FOLLOW) != 0 &&
        errno != EEXIST)
        return os_error("keep archive log of " + diff_id.text());
    return {};
}

Result<Fd> ArchiveLogs::find(const Digest& diff_id) const {
    return open_beneath(directory_.get(), diff_id.hex(), O_RDONLY)
        .context("open archive log of ", diff_id.text());
}

Result<void> ArchiveLogs::remove(const Digest& diff_id) const {
    if (::unlinkat(directory_.get(), diff_id.hex().c_str(), 0) != 0 && errno != ENOENT)
        return os_error("remove archive log of " + diff_id.text());
    return {};
}

Result<std::vector<Digest>> ArchiveLogs::list() const {
    std::vector<Digest> found;
    for (const std::string& name : TRY(list_names(directory_.get())))
        if (auto digest = Digest::parse("sha256:" + name)) found.push_back(*digest);
    return found;
}

}  // namespace davit::image
