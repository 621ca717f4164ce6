// SPDX-License-Identifier: Apache-2.0
#include "core/image/timestamp.hpp"

#include <charconv>
#include <ctime>
#include <utility>

namespace davit::image {

namespace {

constexpr std::int64_t kSecond = 1000000000;

// Reads exactly `digits` digits and the `end` after them ('\0': none), and moves on.
std::optional<int> take(std::string_view& text, std::size_t digits, char end) {
    if (text.size() < digits) return std::nullopt;
    int number = 0;
    const auto [stop, fault] = std::from_chars(text.data(), text.data() + digits, number);
    if (fault != std::errc{} || stop != text.data() + digits || text[0] == '-') return std::nullopt;
    text.remove_prefix(digits);
    if (end == '\0') return number;
    if (text.empty() || text.front() != end) return std::nullopt;
    text.remove_prefix(1);
    return number;
}

std::optional<std::int64_t> take_fraction(std::string_view& text) {
    if (!text.starts_with('.')) return 0;
    text.remove_prefix(1);
    std::int64_t value = 0, unit = kSecond;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        unit /= 10;
        value += unit * (text.front() - '0');
        text.remove_prefix(1);
    }
    if (unit == kSecond) return std::nullopt;
    return value;
}

std::optional<std::int64_t> take_offset(std::string_view text) {
    if (text == "Z" || text == "z") return 0;
    if (!text.starts_with('+') && !text.starts_with('-')) return std::nullopt;
    const int sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    const auto hours = take(text, 2, ':');
    const auto minutes = hours ? take(text, 2, '\0') : std::nullopt;
    if (!minutes || !text.empty()) return std::nullopt;
    return sign * (*hours * 3600 + *minutes * 60);
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
    const auto year = take(text, 4, '-');
    const auto month = year ? take(text, 2, '-') : std::nullopt;
    const auto day = month ? take(text, 2, 'T') : std::nullopt;
    const auto hour = day ? take(text, 2, ':') : std::nullopt;
    const auto minute = hour ? take(text, 2, ':') : std::nullopt;
    const auto second = minute ? take(text, 2, '\0') : std::nullopt;
    const auto fraction = second ? take_fraction(text) : std::nullopt;
    const auto offset = fraction ? take_offset(text) : std::nullopt;
    if (!offset || *month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 ||
        *minute > 59 || *second > 60)
        return std::nullopt;
    // What nanoseconds since 1970 can hold in 64 bits ends in 2262; Go's zero time is year 1.
    if (*year < 1678 || *year > 2261) return std::nullopt;
    std::tm parts{};
    parts.tm_year = *year - 1900;
    parts.tm_mon = *month - 1;
    parts.tm_mday = *day;
    parts.tm_hour = *hour;
    parts.tm_min = *minute;
    parts.tm_sec = *second;
    return (static_cast<std::int64_t>(::timegm(&parts)) - *offset) * kSecond + *fraction;
}

namespace {

std::optional<double> take_number(std::string_view& text) {
    double number = 0;
    const auto [end, fault] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (fault != std::errc{} || !(number >= 0)) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

std::optional<double> take_unit(std::string_view& text) {
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"ns", 1},  {"us", 1e3}, {"\u00b5s", 1e3}, {"ms", 1e6},
        {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}};
    for (const auto& [name, nanoseconds] : kUnits)
        if (text.starts_with(name)) {
            text.remove_prefix(name.size());
            return nanoseconds;
        }
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now) {
    constexpr double kMost = 9e18;  // what 64 bits of nanoseconds hold
    if (const auto moment = parse_time(text)) return moment;
    double sum = 0;
    bool first = true;
    do {
        const auto number = take_number(text);
        if (!number) return std::nullopt;
        if (first && text.empty())
            return *number * kSecond < kMost
                       ? std::optional(static_cast<std::int64_t>(*number * kSecond))
                       : std::nullopt;
        const auto unit = take_unit(text);
        if (!unit) return std::nullopt;
        sum += *number * *unit;
        first = false;
    } while (!text.empty());
    if (sum >= kMost) return std::nullopt;
    return now - static_cast<std::int64_t>(sum);
}

std::string format_time(std::int64_t nanoseconds) {
    std::int64_t rest = nanoseconds % kSecond;
    if (rest < 0) rest += kSecond;
    const std::time_t seconds = (nanoseconds - rest) / kSecond;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::string result(text, size);
    if (rest != 0) {
        std::string digits = std::to_string(rest);
        digits.insert(0, 9 - digits.size(), '0');
        digits.erase(digits.find_last_not_of('0') + 1);  // as Go writes it
        result += "." + digits;
    }
    return result + "Z";
}

std::int64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * kSecond + time.tv_nsec;
}

}  // namespace davit::image
