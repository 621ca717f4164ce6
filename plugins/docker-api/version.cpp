// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/version.hpp"

#include <charconv>

namespace davit::docker_api {

std::string Version::text() const { return std::to_string(major) + "." + std::to_string(minor); }

Result<Version> Version::parse(std::string_view text) {
    Version version;
    const char* const end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version.major);
    if (major.ec == std::errc{} && major.ptr != end && *major.ptr == '.') {
        const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
        if (minor.ec == std::errc{} && minor.ptr == end) return version;
    }
    return fail(Code::invalid, "read API version ", text, ": it is not like ",
                kCurrentVersion.text());
}

Result<void> check(Version version) {
    if (version > kCurrentVersion)
        return fail(Code::invalid, "client version ", version.text(),
                    " is too new. Maximum supported API version is ", kCurrentVersion.text());
    if (version < kOldestVersion)
        return fail(Code::invalid, "client version ", version.text(),
                    " is too old. Minimum supported API version is ", kOldestVersion.text(),
                    ", please upgrade your client to a newer version");
    return {};
}

}  // namespace davit::docker_api
