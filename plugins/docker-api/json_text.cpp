// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/json_text.hpp"

#include <cstdint>

namespace davit::docker_api {

namespace {

// The length of the UTF-8 sequence at the start of `text` (RFC 3629: no overlong forms, no
// surrogates); 0: none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t at = 1; at < length; ++at)
        if ((byte(at) & 0xC0) != 0x80) return 0;
    const std::uint8_t second = byte(1);
    const bool bad = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                     (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
    return bad ? 0 : length;
}

void append_control(std::string& json, char control) {
    static constexpr char kDigits[] = "0123456789abcdef";
    switch (control) {
        case '\n': json += "\\n"; return;
        case '\r': json += "\\r"; return;
        case '\t': json += "\\t"; return;
        default: break;
    }
    json += "\\u00";
    json += kDigits[(control >> 4) & 0xF];
    json += kDigits[control & 0xF];
}

}  // namespace

void append_json_string(std::string& json, std::string_view value) {
    json += '"';
    while (!value.empty()) {
        const std::size_t length = sequence_length(value);
        if (length == 0) {
            json += "\xEF\xBF\xBD";
        } else if (length > 1) {
            json += value.substr(0, length);
        } else if (value[0] == '"' || value[0] == '\\') {
            json += '\\';
            json += value[0];
        } else if (static_cast<std::uint8_t>(value[0]) < 0x20) {
            append_control(json, value[0]);
        } else {
            json += value[0];
        }
        value.remove_prefix(length == 0 ? 1 : length);
    }
    json += '"';
}

std::string error_json(std::string_view message) {
    std::string json = R"({"message":)";
    append_json_string(json, message);
    json += "}\n";
    return json;
}

}  // namespace davit::docker_api
