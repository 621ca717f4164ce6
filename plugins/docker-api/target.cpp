// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/target.hpp"

#include <algorithm>

namespace davit::docker_api {

namespace {

int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

enum class Plus { is_plus, is_space };

Result<std::string> decode(std::string_view text, Plus plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        char byte = text[at];
        if (byte == '+' && plus == Plus::is_space) byte = ' ';
        if (text[at] == '%') {
            const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
            const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
            if (high < 0 || low < 0)
                return fail(Code::invalid, "read request: invalid URL escape in ", text);
            byte = static_cast<char>(high * 16 + low);
            at += 2;
        }
        if (byte == '\0') return fail(Code::invalid, "read request: NUL byte in ", text);
        decoded.push_back(byte);
    }
    return decoded;
}

Result<void> parse_query(std::string_view query, Target& target) {
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        std::string name = TRY(decode(pair.substr(0, equals), Plus::is_space));
        std::string value =
            TRY(decode(pair.substr(std::min(equals + 1, pair.size())), Plus::is_space));
        target.query.emplace_back(std::move(name), std::move(value));
    }
    return {};
}

// "/v1.41/info" → "1.41", leaving "/info". A first segment that is no version stays.
std::string take_version(std::string& path) {
    if (path.size() < 3 || path[1] != 'v' || path[2] < '0' || path[2] > '9') return {};
    const std::size_t end = path.find('/', 1);
    if (end == path.npos) return {};
    std::string version = path.substr(2, end - 2);
    if (version.find_first_not_of("0123456789.") != version.npos) return {};
    path.erase(0, end);
    return version;
}

}  // namespace

const std::string* Target::find(std::string_view name) const {
    const auto found = std::find_if(query.begin(), query.end(),
                                    [&](const auto& pair) { return pair.first == name; });
    return found == query.end() ? nullptr : &found->second;
}

Result<Target> parse_target(std::string_view text) {
    if (const std::size_t scheme = text.find("://"); !text.starts_with('/') && scheme != text.npos)
        text.remove_prefix(std::min(text.find('/', scheme + 3), text.size()));
    const std::size_t question = std::min(text.find('?'), text.size());
    Target target;
    target.path = TRY(decode(text.substr(0, question), Plus::is_plus));
    target.version = take_version(target.path);
    TRY(parse_query(text.substr(std::min(question + 1, text.size())), target));
    return target;
}

Match match(std::string_view pattern, std::string_view path) {
    const std::size_t open = pattern.find('{');
    if (open == pattern.npos) return {.matched = pattern == path};
    const std::size_t close = pattern.find('}', open);
    const std::string_view parameter = pattern.substr(open + 1, close - open - 1);
    const std::string_view tail = pattern.substr(close + 1);
    if (path.size() <= open + tail.size() || !path.starts_with(pattern.substr(0, open)) ||
        !path.ends_with(tail))
        return {};
    const std::string_view value = path.substr(open, path.size() - open - tail.size());
    if (parameter != "name" && value.find('/') != value.npos) return {};
    return {.matched = true, .parameter = parameter, .value = value};
}

}  // namespace davit::docker_api
