// SPDX-License-Identifier: Apache-2.0
#include "cli/usage.hpp"

#include "cli/arguments.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"

#include <algorithm>
#include <cstdio>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr int kDigits = 3;

// Counters may be larger than a signed number.
double count(const bj::object& object, std::string_view name) {
    const auto& value = view::get(object, name);
    return value.is_number() ? value.to_number<double>() : 0;
}

std::string percent(double part) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f%%", part);
    return text;
}

std::string processor(const bj::object& now, const bj::object& before) {
    const auto& cpu = view::object(now, "cpu_stats");
    const auto& earlier = view::object(before, "cpu_stats");
    const double host = count(cpu, "system_cpu_usage") - count(earlier, "system_cpu_usage");
    const double used = count(view::object(cpu, "cpu_usage"), "total_usage") -
                        count(view::object(earlier, "cpu_usage"), "total_usage");
    if (before.empty() || host <= 0 || used <= 0) return percent(0);
    return percent(used / host * std::max(count(cpu, "online_cpus"), 1.0) * 100);
}

// What the page cache could give back at once does not count.
double memory_used(const bj::object& memory) {
    const double used = count(memory, "usage");
    const auto& stats = view::object(memory, "stats");
    for (const char* name : {"total_inactive_file", "inactive_file"})
        if (const double idle = count(stats, name); idle > 0 && idle < used) return used - idle;
    return used;
}

std::string pair(double first, double second) {
    return human_size(first, kDigits) + " / " + human_size(second, kDigits);
}

std::string network(const bj::object& now) {
    double received = 0, sent = 0;
    for (const auto& interface : view::object(now, "networks")) {
        received += count(view::as_object(interface.value()), "rx_bytes");
        sent += count(view::as_object(interface.value()), "tx_bytes");
    }
    return pair(received, sent);
}

std::string block(const bj::object& now) {
    double read = 0, written = 0;
    const auto& stats = view::object(now, "blkio_stats");
    for (const auto& entry : view::array(stats, "io_service_bytes_recursive")) {
        const auto& one = view::as_object(entry);
        const auto operation = view::string(one, "op");
        if (operation.empty()) continue;
        if ((operation[0] | 0x20) == 'r') read += count(one, "value");
        if ((operation[0] | 0x20) == 'w') written += count(one, "value");
    }
    return pair(read, written);
}

}  // namespace

bj::object usage_row(const std::string& given, const bj::object& now, const bj::object& before,
                     bool whole_id) {
    const auto& memory = view::object(now, "memory_stats");
    const double used = memory_used(memory), limit = count(memory, "limit");
    const std::string id(view::string(now, "id"));
    std::string name(view::string(now, "name"));
    if (name.starts_with('/')) name.erase(0, 1);
    return {{"Container", given},
            {"ID", whole_id ? id : short_id(id)},
            {"Name", name},
            {"CPUPerc", processor(now, before)},
            {"MemUsage", human_size_binary(used) + " / " + human_size_binary(limit)},
            {"MemPerc", percent(limit > 0 ? used / limit * 100 : 0)},
            {"NetIO", network(now)},
            {"BlockIO", block(now)},
            {"PIDs", std::to_string(static_cast<std::int64_t>(
                         count(view::object(now, "pids_stats"), "current")))}};
}

}  // namespace davit::cli
