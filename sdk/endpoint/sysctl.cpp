// SPDX-License-Identifier: Apache-2.0
#include "sdk/endpoint/sysctl.hpp"

#include "sdk/base/fd.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace davit::sdk {
namespace {

constexpr std::size_t kLongestValue = 4096;  // the kernel gives and takes at most a page

Result<Fd> open_sysctl(const std::string& path, int flags) {
    const std::string full = "/proc/sys/net/" + path;
    Fd file(::open(full.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return os_error("open " + full);
    return file;
}

}  // namespace

Result<void> write_sysctl(const std::string& path, const std::string& value) {
    const Fd file = TRY(open_sysctl(path, O_WRONLY));
    if (::write(file.get(), value.data(), value.size()) < 0)
        return os_error("write /proc/sys/net/" + path);
    return {};
}

Result<std::string> read_sysctl(const std::string& path) {
    const Fd file = TRY(open_sysctl(path, O_RDONLY));
    std::string value = TRY(read_all(file.get(), kLongestValue));
    while (!value.empty() && value.back() == '\n') value.pop_back();
    return value;
}

bool has_ipv6() { return ::access("/proc/sys/net/ipv6/conf/all/forwarding", F_OK) == 0; }

}  // namespace davit::sdk
