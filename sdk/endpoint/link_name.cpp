// SPDX-License-Identifier: Apache-2.0
#include "sdk/endpoint/link_name.hpp"

#include <cstdint>

namespace davit::sdk {
namespace {

// 64-bit FNV-1a: names of links have room for some hex digits only, and nobody attacks them, since
// a clash is seen.
std::uint64_t digest(const std::string& text) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

std::string hex(std::uint64_t value, int digits) {
    std::string text;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        text += "0123456789abcdef"[(value >> shift) & 15];
    return text;
}

}  // namespace

std::string link_name(const char* prefix, const std::string& scope, const std::string& key) {
    return prefix + scope.substr(0, 4) + hex(digest(scope + "/" + key), 8);
}

std::string key_digest(const std::string& key) { return hex(digest(key), 16); }

}  // namespace davit::sdk
