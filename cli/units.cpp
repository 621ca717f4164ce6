// SPDX-License-Identifier: Apache-2.0
#include "cli/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace davit::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Result<double> take_decimal(std::string_view& text) {
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc() || text[0] == '-') return fail(Code::invalid, "expected a number");
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Digits of exactly that count, as a number; -1 when they are something else.
int digits_at(std::string_view text, std::size_t at, std::size_t count) {
    int value = 0;
    if (at + count > text.size()) return -1;
    const auto* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + count, value);
    return error == std::errc() && end == begin + count ? value : -1;
}

struct Moment {
    std::tm parts{};
    std::string nanos = "000000000";
    bool zoned = false;
    int offset = 0;  // seconds east of UTC
};

// ".123" → nine digits.
Result<void> take_fraction(std::string_view& rest, Moment& moment) {
    if (!rest.starts_with('.')) return {};
    const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end < 2 || end > 10) return fail(Code::invalid, "bad fraction of a second");
    moment.nanos.replace(0, end - 1, rest.substr(1, end - 1));
    rest.remove_prefix(end);
    return {};
}

Result<void> take_zone(std::string_view rest, Moment& moment) {
    if (rest.empty()) return {};
    moment.zoned = true;
    if (rest == "Z") return {};
    const int hours = digits_at(rest, 1, 2), minutes = digits_at(rest, 4, 2);
    if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || hours < 0 || minutes < 0)
        return fail(Code::invalid, "bad time zone");
    moment.offset = (hours * 3600 + minutes * 60) * (rest[0] == '-' ? -1 : 1);
    return {};
}

// 2024-01-02, …T15, …T15:04, …T15:04:05, then fraction and zone.
Result<Moment> parse_moment(std::string_view text) {
    Moment moment;
    auto& parts = moment.parts;
    const auto bad = [&] { return fail(Code::invalid, "not a time: ", text); };
    parts.tm_isdst = -1;
    parts.tm_year = digits_at(text, 0, 4) - 1900;
    parts.tm_mon = digits_at(text, 5, 2) - 1;
    parts.tm_mday = digits_at(text, 8, 2);
    if (parts.tm_year < 0 || parts.tm_mon < 0 || parts.tm_mday < 1 || text[4] != '-' ||
        text[7] != '-')
        return bad();
    auto rest = text.substr(10);
    int* const fields[] = {&parts.tm_hour, &parts.tm_min, &parts.tm_sec};
    for (std::size_t i = 0; i < 3 && rest.starts_with(i == 0 ? 'T' : ':'); ++i) {
        *fields[i] = digits_at(rest, 1, 2);
        if (*fields[i] < 0) return bad();
        rest.remove_prefix(3);
    }
    TRY(take_fraction(rest, moment));
    TRY(take_zone(rest, moment));
    return moment;
}

std::int64_t seconds_of(Moment& moment) {
    return moment.zoned ? ::timegm(&moment.parts) - moment.offset : ::mktime(&moment.parts);
}

std::string scaled(double value, double base, const char* const* names, std::size_t count,
                   int digits) {
    std::size_t i = 0;
    while (value >= base && i + 1 < count) {
        value /= base;
        ++i;
    }
    char buffer[48];
    std::snprintf(buffer, sizeof buffer, "%.*g%s", digits, value, names[i]);
    return buffer;
}

}  // namespace

Result<std::int64_t> parse_bytes(std::string_view text) {
    const auto bad = [&] { return fail(Code::invalid, "invalid size: '", text, "'"); };
    auto rest = text;
    const auto number = take_decimal(rest);
    if (!number) return bad();
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    double factor = 1;
    if (!rest.empty()) {
        constexpr std::string_view kPrefixes = "bkmgtp";
        const auto power = kPrefixes.find(lower(rest[0]));
        std::string_view tail = rest.substr(1);
        const bool fits =
            tail.empty() ||
            (power > 0 && (tail == "b" || tail == "B" || tail == "ib" || tail == "iB"));
        if (power == std::string_view::npos || !fits) return bad();
        factor = std::pow(1024.0, static_cast<double>(power));
    }
    return static_cast<std::int64_t>(*number * factor);
}

Result<std::int64_t> parse_duration(std::string_view text) {
    const auto bad = [&] {
        return fail(Code::invalid, "invalid duration \"", text, "\"; write it like 1m30s");
    };
    struct Unit {
        std::string_view name;
        double nanos;
    };
    static constexpr Unit kUnits[] = {{"ns", 1},  {"us", 1e3}, {"µs", 1e3},  {"ms", 1e6},
                                      {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    auto rest = text;
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) rest.remove_prefix(1);
    if (rest.empty()) return bad();
    if (rest == "0") return 0;
    double total = 0;
    while (!rest.empty()) {
        const auto number = take_decimal(rest);
        const auto name = rest.substr(0, std::min(rest.find_first_of("0123456789."), rest.size()));
        rest.remove_prefix(name.size());
        double nanos = 0;
        for (const auto& unit : kUnits)
            if (unit.name == name) nanos = unit.nanos;
        if (!number || nanos == 0) return bad();
        total += *number * nanos;
    }
    return static_cast<std::int64_t>(negative ? -total : total);
}

Result<std::int64_t> parse_nano(std::string_view text) {
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
    const bool digits_only = text.find_first_not_of("0123456789.") == std::string_view::npos &&
                             fraction.find('.') == std::string::npos;
    if (!digits_only || (whole.empty() && fraction.empty()) || fraction.size() > 9 ||
        whole.size() > 9)
        return fail(Code::invalid, "expected a number with at most nine digits after the point");
    fraction.resize(9, '0');
    std::int64_t value = 0;
    const auto all = std::string(whole) + fraction;
    std::from_chars(all.data(), all.data() + all.size(), value);
    return value;
}

Result<std::string> timestamp(std::string_view text, std::int64_t now) {
    if (const auto back = parse_duration(text); back && text != "0") {
        const auto at = now * kSecond - *back;
        char buffer[40];
        std::snprintf(buffer, sizeof buffer, "%lld.%09lld", static_cast<long long>(at / kSecond),
                      static_cast<long long>(at % kSecond));
        return std::string(buffer);
    }
    if (!text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos)
        return std::string(text);
    auto moment = parse_moment(text);
    if (!moment)
        return fail(Code::invalid, "parse time \"", text,
                    "\": expected 10m, 2024-01-02T15:04:05Z, 2024-01-02 or Unix seconds");
    return std::to_string(seconds_of(*moment)) + "." + moment->nanos;
}

Result<std::int64_t> parse_rfc3339(std::string_view text) {
    auto moment = TRY(parse_moment(text));
    return seconds_of(moment);
}

std::string human_size(double bytes, int digits) {
    static constexpr const char* kNames[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    return scaled(bytes, 1000.0, kNames, std::size(kNames), digits);
}

std::string human_size_binary(double bytes) {
    static constexpr const char* kNames[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    return scaled(bytes, 1024.0, kNames, std::size(kNames), 4);
}

std::string human_duration(std::int64_t seconds) {
    const auto count = [](std::int64_t n, const char* unit) {
        return std::to_string(n) + " " + unit;
    };
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return count(seconds, "seconds");
    const auto minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return count(minutes, "minutes");
    const auto hours = (seconds + 1800) / 3600;  // docker rounds hours, and only hours
    if (hours == 1) return "About an hour";
    if (hours < 48) return count(hours, "hours");
    if (hours < 24 * 7 * 2) return count(hours / 24, "days");
    if (hours < 24 * 30 * 2) return count(hours / 24 / 7, "weeks");
    if (hours < 24 * 365 * 2) return count(hours / 24 / 30, "months");
    return count(seconds / 86400 / 365, "years");
}

}  // namespace davit::cli
