// SPDX-License-Identifier: Apache-2.0
#include "core/container/log_line.hpp"

#include <boost/json.hpp>

#include <charconv>
#include <cstdio>
#include <ctime>

namespace davit::container {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The value of `"key":"…"` up to the next unescaped quote, or nothing.
std::optional<std::string_view> raw_member(std::string_view line, std::string_view start,
                                           std::size_t& from) {
    const std::size_t at = line.find(start, from);
    if (at == std::string_view::npos) return std::nullopt;
    const std::size_t begin = at + start.size();
    std::size_t end = begin;
    while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2 : 1;
    if (end >= line.size()) return std::nullopt;
    from = end + 1;
    return line.substr(begin, end - begin);
}

// Most lines have no escape but the last \n; the others are left to the JSON parser.
std::optional<std::string> unescape(std::string_view raw) {
    const std::size_t escape = raw.find('\\');
    if (escape == std::string_view::npos) return std::string(raw);
    if (escape + 2 == raw.size() && raw.ends_with("\\n"))
        return std::string(raw.substr(0, escape)) + '\n';
    std::string quoted = "\"" + std::string(raw) + "\"";
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(quoted, error);
    if (error || !value.is_string()) return std::nullopt;
    return std::string(value.get_string());
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
    if (at + count > text.size()) return std::nullopt;
    int value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + count, value);
    if (error != std::errc() || end != text.data() + at + count) return std::nullopt;
    return value;
}

// The fraction ".123" as nanoseconds; moves `at` behind it.
std::int64_t fraction_of(std::string_view text, std::size_t& at) {
    std::int64_t ns = 0, unit = kSecond / 10;
    if (at >= text.size() || text[at] != '.') return 0;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
        ns += (text[at] - '0') * unit;
    return ns;
}

// "Z", "+01:00" or nothing, in seconds east of UTC.
std::optional<std::int64_t> zone_of(std::string_view text) {
    if (text.empty() || text == "Z" || text == "z") return 0;
    const auto hours = digits(text, 1, 2), minutes = digits(text, 4, 2);
    if (text.size() != 6 || !hours || !minutes || (text[0] != '+' && text[0] != '-'))
        return std::nullopt;
    const std::int64_t offset = *hours * 3600 + *minutes * 60;
    return text[0] == '+' ? offset : -offset;
}

}  // namespace

std::optional<LogLine> parse_log_line(std::string_view line) {
    std::size_t from = 0;
    const auto text = raw_member(line, "{\"log\":\"", from);
    const auto stream = raw_member(line, ",\"stream\":\"", from);
    const auto time = raw_member(line, "\"time\":\"", from);
    if (!text || !stream || !time) return std::nullopt;
    auto plain = unescape(*text);
    if (!plain) return std::nullopt;
    return LogLine{std::move(*plain), *stream == "stderr" ? 2u : 1u, *time};
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2),
               second = digits(text, 17, 2);
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    std::tm broken{};
    broken.tm_year = *year - 1900;
    broken.tm_mon = *month - 1;
    broken.tm_mday = *day;
    broken.tm_hour = *hour;
    broken.tm_min = *minute;
    broken.tm_sec = *second;
    std::size_t at = 19;
    const std::int64_t fraction = fraction_of(text, at);
    const auto zone = zone_of(text.substr(at));
    if (!zone) return std::nullopt;
    return (static_cast<std::int64_t>(::timegm(&broken)) - *zone) * kSecond + fraction;
}

std::string format_time(std::int64_t ns) {
    const std::time_t seconds = ns / kSecond;
    std::tm broken{};
    ::gmtime_r(&seconds, &broken);
    char text[80];
    const int length =
        std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09lldZ",
                      broken.tm_year + 1900, broken.tm_mon + 1, broken.tm_mday, broken.tm_hour,
                      broken.tm_min, broken.tm_sec, static_cast<long long>(ns % kSecond));
    return {text, static_cast<std::size_t>(length)};
}

}  // namespace davit::container
