// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/rlimits.hpp"

#include <sys/resource.h>
#include <array>
#include <string>
#include <utility>

namespace davit::sdk {

namespace {

constexpr std::array<std::pair<std::string_view, std::int32_t>, 16> kResources = {{
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
}};

}  // namespace

std::optional<std::int32_t> rlimit_number(std::string_view name) {
    for (const auto& [known, number] : kResources)
        if (known == name) return number;
    return std::nullopt;
}

Result<void> set_rlimit(const Rlimit& limit) {
    const rlimit64 value{limit.soft, limit.hard};
    // glibc types the resource as an enum in C++ only.
    if (::prlimit64(0, static_cast<__rlimit_resource>(limit.resource), &value, nullptr) != 0)
        return os_error("set resource limit " + std::to_string(limit.resource));
    return {};
}

}  // namespace davit::sdk
