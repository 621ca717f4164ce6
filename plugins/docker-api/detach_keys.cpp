// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/detach_keys.hpp"

#include <algorithm>
#include <optional>

namespace davit::docker_api {

namespace {

constexpr std::string_view kDefault = "\x10\x11";  // ctrl-p ctrl-q

std::optional<char> key_byte(std::string_view key) {
    if (key.size() == 1) return key[0];
    if (key == "DEL") return '\x7F';
    if (key.size() != 6 || !key.starts_with("ctrl-")) return std::nullopt;
    const char letter = key[5];
    if (letter >= 'a' && letter <= 'z') return static_cast<char>(letter - 'a' + 1);
    constexpr std::string_view kOthers = "@[\\]^_";
    const std::size_t at = kOthers.find(letter);
    if (at == kOthers.npos) return std::nullopt;
    return at == 0 ? '\0' : static_cast<char>(26 + at);
}

}  // namespace

Result<DetachKeys> DetachKeys::parse(std::string_view keys) {
    if (keys.empty()) return DetachKeys(std::string(kDefault));
    std::string bytes;
    for (std::string_view left = keys; !left.empty();) {
        const std::string_view key = left.substr(0, left.find(','));
        left.remove_prefix(std::min(key.size() + 1, left.size()));
        const std::optional<char> byte = key_byte(key);
        if (!byte) return fail(Code::invalid, "read detach keys ", keys, ": unknown key ", key);
        bytes += *byte;
    }
    return DetachKeys(std::move(bytes));
}

bool DetachKeys::filter(std::string& input) {
    std::string passed;
    for (const char key : input) {
        if (key != keys_[matched_]) {
            passed.append(keys_, 0, std::exchange(matched_, 0));
            if (key != keys_[0]) {
                passed += key;
                continue;
            }
        }
        if (++matched_ == keys_.size()) {
            input = std::move(passed);
            return true;
        }
    }
    input = std::move(passed);
    return false;
}

}  // namespace davit::docker_api
