// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/cgroup_statistics.hpp"

#include "sdk/base/file.hpp"
#include "sdk/container/cgroup_files.hpp"

#include <unistd.h>

#include <charconv>
#include <functional>
#include <optional>
#include <sstream>
#include <string_view>

namespace davit::sdk::cgroup {

namespace {

using Figures = std::vector<Figure>;

class GroupFiles {
public:
    GroupFiles(int directory, const std::string& group, Figures& figures)
        : directory_(directory), group_(group), figures_(figures) {}

    std::string text(const char* file) const {
        return read_file(directory_, group_ + "/" + file, kMaxFile).value_or("");
    }
    static std::optional<std::uint64_t> number(std::string_view text) {
        std::uint64_t value = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
        return read.ec == std::errc() ? std::optional(value) : std::nullopt;
    }
    void add(std::string name, std::uint64_t value) const {
        figures_.push_back({.name = std::move(name), .value = value});
    }
    // A file with one number; "max" is none.
    void add_number(const char* file, const char* name) const {
        if (const auto value = number(text(file))) add(name, *value);
    }
    // Lines "key value".
    void each_pair(const char* file,
                   const std::function<void(const std::string&, std::uint64_t)>& take) const {
        std::istringstream lines(text(file));
        std::string key;
        for (std::uint64_t value = 0; lines >> key >> value;) take(key, value);
    }

    // Lines "8:0 Read 4096", and a "Total 4096" of all devices, which is left out.
    void add_operations(const char* file, const std::string& prefix) const {
        std::istringstream lines(text(file));
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            Figure one;
            char colon = 0;
            std::string operation;
            if (!(words >> one.major >> colon >> one.minor >> operation >> one.value)) continue;
            one.name = prefix + operation;
            figures_.push_back(std::move(one));
        }
    }

    // Lines "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …".
    void add_devices() const {
        std::istringstream lines(text("io.stat"));
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            Figure one;
            char colon = 0;
            if (!(words >> one.major >> colon >> one.minor)) continue;
            for (std::string word; words >> word;) add_device_word(one, word);
        }
    }

private:
    void add_device_word(Figure one, std::string_view word) const {
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos || equals < 4) return;
        const std::string_view key = word.substr(0, equals);
        const bool bytes = key.ends_with("bytes");
        if (!bytes && !key.ends_with("ios")) return;
        const char letter = key[0];  // rbytes, wios, dbytes: read, write, discard
        const char* operation = letter == 'r' ? "read" : letter == 'w' ? "write" : "discard";
        one.name = std::string(bytes ? "io.bytes." : "io.operations.") + operation;
        one.value = number(word.substr(equals + 1)).value_or(0);
        figures_.push_back(std::move(one));
    }

    int directory_;
    const std::string& group_;
    Figures& figures_;
};

constexpr std::uint64_t kMicrosecond = 1000;  // nanoseconds
// memory.limit_in_bytes of a group without one: the largest whole number of pages.
constexpr std::uint64_t kNoLimit = 1ull << 62;

}  // namespace

void add_cpu_v1(int directory, const std::string& group, Figures& figures) {
    const GroupFiles files(directory, group, figures);
    files.add_number("cpuacct.usage", "cpu.total");
    const auto tick = 1'000'000'000ull / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    files.each_pair("cpuacct.stat", [&](const std::string& key, std::uint64_t ticks) {
        files.add("cpu." + key, ticks * tick);
    });
    std::istringstream each(files.text("cpuacct.usage_percpu"));
    int number = 0;
    for (std::uint64_t used = 0; each >> used;)
        files.add("cpu.each." + std::to_string(number++), used);
}

void add_throttling_v1(int directory, const std::string& group, Figures& figures) {
    const GroupFiles files(directory, group, figures);
    files.each_pair("cpu.stat", [&](const std::string& key, std::uint64_t value) {
        if (key == "nr_periods") files.add("cpu.periods", value);
        if (key == "nr_throttled") files.add("cpu.throttled_periods", value);
        if (key == "throttled_time") files.add("cpu.throttled_time", value);
    });
}

void add_memory_v1(int directory, const std::string& group, Figures& figures) {
    const GroupFiles files(directory, group, figures);
    files.add_number("memory.usage_in_bytes", "memory.usage");
    files.add_number("memory.max_usage_in_bytes", "memory.max_usage");
    files.add_number("memory.failcnt", "memory.failures");
    const auto limit = GroupFiles::number(files.text("memory.limit_in_bytes"));
    if (limit && *limit < kNoLimit) files.add("memory.limit", *limit);
    files.each_pair("memory.stat", [&](const std::string& key, std::uint64_t value) {
        files.add("memory.stat." + key, value);
    });
}

void add_block_v1(int directory, const std::string& group, Figures& figures) {
    const GroupFiles files(directory, group, figures);
    const std::size_t before = figures.size();
    files.add_operations("blkio.bfq.io_service_bytes_recursive", "io.bytes.");
    files.add_operations("blkio.bfq.io_serviced_recursive", "io.operations.");
    if (figures.size() != before) return;  // where another scheduler is used, these alone count
    files.add_operations("blkio.throttle.io_service_bytes", "io.bytes.");
    files.add_operations("blkio.throttle.io_serviced", "io.operations.");
}

void add_pids(int directory, const std::string& group, Figures& figures) {
    const GroupFiles files(directory, group, figures);
    files.add_number("pids.current", "pids.current");
    files.add_number("pids.max", "pids.limit");
}

void add_all_v2(int directory, const std::string& group, Figures& figures) {
    const GroupFiles files(directory, group, figures);
    files.each_pair("cpu.stat", [&](const std::string& key, std::uint64_t value) {
        if (key == "usage_usec") files.add("cpu.total", value * kMicrosecond);
        if (key == "user_usec") files.add("cpu.user", value * kMicrosecond);
        if (key == "system_usec") files.add("cpu.system", value * kMicrosecond);
        if (key == "nr_periods") files.add("cpu.periods", value);
        if (key == "nr_throttled") files.add("cpu.throttled_periods", value);
        if (key == "throttled_usec") files.add("cpu.throttled_time", value * kMicrosecond);
    });
    files.add_number("memory.current", "memory.usage");
    files.add_number("memory.peak", "memory.max_usage");
    files.add_number("memory.max", "memory.limit");
    files.each_pair("memory.events", [&](const std::string& key, std::uint64_t value) {
        if (key == "max") files.add("memory.failures", value);
    });
    files.each_pair("memory.stat", [&](const std::string& key, std::uint64_t value) {
        files.add("memory.stat." + key, value);
    });
    files.add_devices();
    add_pids(directory, group, figures);
}

}  // namespace davit::sdk::cgroup
