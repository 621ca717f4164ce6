// SPDX-License-Identifier: Apache-2.0
#include "core/daemon/orphans.hpp"

#include "sdk/base/fd.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

namespace davit::daemon {

namespace {

constexpr std::size_t kListMax =
    1 << 20;  // of /proc/self/task/<tid>/children: 4 096 children and more
constexpr std::size_t kStatusMax = 8192;  // of /proc/<pid>/status

std::string text_of(const std::string& path, std::size_t limit) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    return read_all(file.get(), limit).value_or("");
}

// Adopted children are listed with the thread that is this process's reaper: its first.
std::vector<int> children() {
    const std::string self = std::to_string(::getpid());
    std::istringstream list(text_of("/proc/self/task/" + self + "/children", kListMax));
    std::vector<int> pids;
    for (int pid = 0; list >> pid;) pids.push_back(pid);
    return pids;
}

// "NSpid:\t<ours>\t<in the namespace below>": the engine's own children have one number only.
bool is_orphan(int pid) {
    const std::string status = text_of("/proc/" + std::to_string(pid) + "/status", kStatusMax);
    const std::size_t line = status.find("\nNSpid:");
    if (line == std::string::npos || status.find("\nState:\tZ") == std::string::npos) return false;
    std::istringstream numbers(status.substr(line + 7, status.find('\n', line + 1) - line - 7));
    int ours = 0, inner = 0, last = 0;
    numbers >> ours;
    while (numbers >> inner) last = inner;
    return last > 1;
}

}  // namespace

void reap_orphans() {
    for (const int pid : children())
        if (is_orphan(pid)) ::waitpid(pid, nullptr, WNOHANG);
}

}  // namespace davit::daemon
