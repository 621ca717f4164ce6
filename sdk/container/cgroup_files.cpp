// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/cgroup_files.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ctime>
#include <sstream>

namespace davit::sdk::cgroup {

void pause() {
    const timespec time{0, 10'000'000};
    ::nanosleep(&time, nullptr);
}

Result<void> write_file(int directory, const std::string& path, const std::string& value) {
    Fd file(::openat(directory, path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return os_error("open " + path);
    if (::write(file.get(), value.data(), value.size()) < 0)
        return os_error("write " + value + " to " + path);
    return {};
}

Result<void> make_group(int directory, const std::string& path) {
    if (::mkdirat(directory, path.c_str(), 0755) != 0 && errno != EEXIST)
        return os_error("make control group " + path);
    return {};
}

Result<std::vector<std::string>> groups_in(int directory, const std::string& path) {
    std::vector<std::string> found;
    Fd opened(::openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened)
        return errno == ENOENT ? Result<std::vector<std::string>>(found) : os_error("open " + path);
    for (std::string& name : TRY(list_names(opened.get()))) {
        struct stat status {};
        if (::fstatat(opened.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(status.st_mode))
            found.push_back(std::move(name));
    }
    return found;
}

Result<void> remove_group(int directory, const std::string& path) {
    for (int attempt = 0;; ++attempt) {
        if (::unlinkat(directory, path.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
        if (errno != EBUSY || attempt == kPatience) return os_error("remove " + path);
        for (const std::string& child : TRY(groups_in(directory, path)))
            TRY(remove_group(directory, path + "/" + child));
        if (::unlinkat(directory, path.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
        pause();
    }
}

Result<void> add_processes(int directory, const std::string& path, std::vector<pid_t>& pids) {
    std::istringstream lines(TRY(read_file(directory, path + "/cgroup.procs", kMaxFile)));
    for (pid_t pid = 0; lines >> pid;) pids.push_back(pid);
    return {};
}

}  // namespace davit::sdk::cgroup
