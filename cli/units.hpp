// SPDX-License-Identifier: Apache-2.0
// Sizes, durations and points in time as people write and read them, in docker's forms. Pure but
// for timestamp(), which knows the local time zone.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace davit::cli {

// "64m", "1.5GiB", "10kb", "512": powers of 1024. Errors: invalid.
Result<std::int64_t> parse_bytes(std::string_view text);
// "1h2m3.5s", "300ms": nanoseconds. Errors: invalid.
Result<std::int64_t> parse_duration(std::string_view text);
// "1.5" → 1500000000, exact to nine digits (NanoCpus). Errors: invalid.
Result<std::int64_t> parse_nano(std::string_view text);
// A point in time for --since and --until: "10m" (before `now`), RFC 3339 with or without zone, a
// date, or Unix seconds → "1700000000.000000000". Errors: invalid.
Result<std::string> timestamp(std::string_view text, std::int64_t now);
// RFC 3339 with up to nine digits and a zone → seconds since 1970. Errors: invalid.
Result<std::int64_t> parse_rfc3339(std::string_view text);

// 1984000 → "1.98MB": powers of 1000, `digits` significant.
std::string human_size(double bytes, int digits = 4);
// 1.5 GiB: powers of 1024, as `info` shows memory.
std::string human_size_binary(double bytes);
// Seconds → "5 minutes", "About an hour", "2 weeks".
std::string human_duration(std::int64_t seconds);

}  // namespace davit::cli
