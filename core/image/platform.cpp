// SPDX-License-Identifier: Apache-2.0
#include "core/image/platform.hpp"

#include <sys/utsname.h>
#include <algorithm>
#include <vector>

namespace davit::image {

namespace {

struct Alias {
    std::string_view name, architecture, variant;
};
constexpr Alias kAliases[] = {
    {"x86_64", "amd64", ""}, {"x86-64", "amd64", ""}, {"aarch64", "arm64", ""},
    {"i386", "386", ""},     {"i686", "386", ""},     {"armhf", "arm", "v7"},
    {"armv7l", "arm", "v7"}, {"armv6l", "arm", "v6"}, {"armel", "arm", "v6"},
};

bool is_word(std::string_view word) {
    return !word.empty() && word.size() <= 64 &&
           std::all_of(word.begin(), word.end(), [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
           });
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

// "v7" → 7, anything else 0.
int variant_number(std::string_view variant) {
    return variant.size() == 2 && variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9'
               ? variant[1] - '0'
               : 0;
}

}  // namespace

Platform Platform::normal() const {
    Platform result{lower(os), lower(architecture), lower(variant)};
    for (const Alias& alias : kAliases) {
        if (alias.name != result.architecture) continue;
        result.architecture = alias.architecture;
        if (result.variant.empty()) result.variant = alias.variant;
        break;
    }
    if (result.architecture == "arm64" && (result.variant == "v8" || result.variant == "8"))
        result.variant.clear();
    if (result.architecture == "amd64" && result.variant == "v1") result.variant.clear();
    if (result.architecture == "arm" && result.variant.empty()) result.variant = "v7";
    return result;
}

Platform Platform::of_host() {
    utsname host{};
    ::uname(&host);  // fails only for a bad address
    return Platform{"linux", host.machine, ""}.normal();
}

Result<Platform> Platform::parse(std::string_view text) {
    std::vector<std::string> words;
    for (std::string_view rest = text;;) {
        const std::size_t slash = rest.find('/');
        words.emplace_back(rest.substr(0, slash));
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    if (words.size() > 3 ||
        !std::all_of(words.begin(), words.end(), [](const auto& word) { return is_word(word); }))
        return fail(Code::invalid, "parse platform ", text, ": expected OS/ARCHITECTURE[/VARIANT]");
    if (words.size() > 1)
        return Platform{words[0], words[1], words.size() == 3 ? words[2] : std::string()}.normal();
    if (lower(words[0]) == "linux") return of_host();
    return Platform{"linux", words[0], ""}.normal();
}

std::string Platform::text() const {
    std::string result = os + "/" + architecture;
    if (!variant.empty()) result += "/" + variant;
    return result;
}

int match(const Platform& wanted, const Platform& offered) {
    const Platform left = wanted.normal();
    const Platform right = offered.normal();
    if (left.os != right.os || left.architecture != right.architecture) return 0;
    constexpr int kExact = 100;
    if (left.variant == right.variant) return kExact;
    const int have = variant_number(left.variant);
    const int need = variant_number(right.variant);
    if (left.architecture == "arm" && need >= 5 && need < have) return need;
    // Every amd64 and arm64 machine runs what names no variant.
    return right.variant.empty() ? 1 : 0;
}

}  // namespace davit::image
