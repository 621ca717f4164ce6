// SPDX-License-Identifier: Apache-2.0
#include "core/container/process_list.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/pipe.hpp"
#include "sdk/base/process.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace davit::container {

namespace {

constexpr const char* kPs = "/bin/ps";
constexpr std::size_t kOutputMax = 64u << 20;  // ps of every process that a host can have
constexpr std::string_view kBlank = " \t";

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (true) {
        const std::size_t begin = text.find_first_not_of(kBlank);
        if (begin == std::string_view::npos) return words;
        const std::size_t end = std::min(text.find_first_of(kBlank, begin), text.size());
        words.emplace_back(text.substr(begin, end - begin));
        text.remove_prefix(end);
    }
}

// As many cells as there are titles: a command with blanks stays one.
std::vector<std::string> cells_of(std::string_view line, std::size_t count) {
    std::vector<std::string> cells;
    while (cells.size() + 1 < count) {
        const std::size_t begin = line.find_first_not_of(kBlank);
        if (begin == std::string_view::npos) break;
        const std::size_t end = std::min(line.find_first_of(kBlank, begin), line.size());
        cells.emplace_back(line.substr(begin, end - begin));
        line.remove_prefix(end);
    }
    const std::size_t begin = line.find_first_not_of(kBlank);
    if (begin != std::string_view::npos) cells.emplace_back(line.substr(begin));
    return cells;
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

struct Output {
    std::string text;
    int code = 0;
};

Result<Output> run_ps(std::vector<std::string> arguments) {
    Pipe output = TRY(make_pipe());
    arguments.insert(arguments.begin(), "ps");
    Child child = TRY(spawn({.path = kPs,
                             .arguments = std::move(arguments),
                             .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"},
                             .fds = {{output.write.get(), 1}, {output.write.get(), 2}}}));
    output.write.reset();
    Output done{.text = TRY(read_all(output.read.get(), kOutputMax))};
    done.code = TRY(child.wait()).code;
    return done;
}

std::string pid_option(const std::vector<int>& pids) {
    std::string option = "-q";
    for (const int pid : pids) option += (option.size() > 2 ? "," : "") + std::to_string(pid);
    return option;
}

}  // namespace

Result<ProcessList> parse_process_list(std::string_view output, const std::vector<int>& pids) {
    ProcessList list{.titles = words_of(take_line(output)), .rows = {}};
    const auto column = std::find(list.titles.begin(), list.titles.end(), "PID");
    if (column == list.titles.end())
        return fail(Code::invalid, "Couldn't find PID field in ps output");
    const auto index = static_cast<std::size_t>(column - list.titles.begin());
    while (!output.empty()) {
        std::vector<std::string> cells = cells_of(take_line(output), list.titles.size());
        if (index >= cells.size()) continue;
        int pid = 0;
        const std::string& text = cells[index];
        std::from_chars(text.data(), text.data() + text.size(), pid);
        if (std::find(pids.begin(), pids.end(), pid) != pids.end())
            list.rows.push_back(std::move(cells));
    }
    return list;
}

// With -q ps looks at our processes alone; some of its options do not go together with that.
Result<ProcessList> list_processes(const std::vector<int>& pids, const std::string& options) {
    std::vector<std::string> arguments = words_of(options.empty() ? "-ef" : options);
    arguments.push_back(pid_option(pids));
    auto output = run_ps(arguments);
    if (output && output->code != 0) {
        arguments.pop_back();
        output = run_ps(arguments);
    }
    if (!output) return std::move(output).error().context("run ps");
    if (output->code != 0)
        return fail(Code::invalid, "ps: ", output->text.substr(0, output->text.find('\n')));
    return parse_process_list(output->text, pids);
}

}  // namespace davit::container
