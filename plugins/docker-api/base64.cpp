// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/base64.hpp"

#include <cstdint>

namespace davit::docker_api {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int digit_value(char digit) {
    if (digit == '-') return 62;
    if (digit == '_') return 63;
    const std::size_t at = kAlphabet.find(digit);
    return at == kAlphabet.npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8 | (i < group.size() ? static_cast<std::uint8_t>(group[i]) : 0u);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= group.size() ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

Result<std::string> base64_decode(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned held = 0;  // bits not yet given out
    for (const char digit : text) {
        const int value = digit_value(digit);
        if (value < 0) return fail(Code::invalid, "decode base64: a character is none of its");
        bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xFFFF;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        bytes += static_cast<char>(bits >> held & 0xFF);
    }
    if (text.size() % 4 == 1) return fail(Code::invalid, "decode base64: it is cut off");
    return bytes;
}

}  // namespace davit::docker_api
