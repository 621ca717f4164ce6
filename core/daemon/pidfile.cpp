// SPDX-License-Identifier: Apache-2.0
#include "core/daemon/pidfile.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace davit::daemon {

namespace {

constexpr std::size_t kPidFileMax = 32;  // digits and a newline

Result<void> check_owner(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    const auto text = read_all(file.get(), kPidFileMax);
    const int pid = text ? std::atoi(text->c_str()) : 0;
    if (pid <= 0 || pid == ::getpid() || (::kill(pid, 0) != 0 && errno == ESRCH)) return {};
    const Fd comm(::open(("/proc/" + std::to_string(pid) + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
    const auto name = comm ? read_all(comm.get(), kPidFileMax) : Result<std::string>(std::string());
    if (!name || *name != "davitd\n") return {};  // the number was given to another program since
    return fail(Code::exists, "write ", path, ": davitd runs already as process ",
                std::to_string(pid), ": stop it, or choose another --pidfile");
}

}  // namespace

Result<PidFile> PidFile::create(const std::string& path) {
    TRY(check_owner(path));
    const std::size_t slash = path.rfind('/');
    const Fd directory =
        TRY(open_directory(slash == 0 ? "/" : path.substr(0, slash)).context("write ", path));
    TRY(atomic_write(directory.get(), path.substr(slash + 1), std::to_string(::getpid()) + "\n",
                     0644)
            .context("write ", path));
    return PidFile(path);
}

PidFile::~PidFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace davit::daemon
