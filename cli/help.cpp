// SPDX-License-Identifier: Apache-2.0
#include "cli/help.hpp"

#include "cli/commands.hpp"

#include <algorithm>

namespace davit::cli {
namespace {

constexpr std::size_t kGap = 3;

struct Line {
    std::string left;
    std::string_view right;
};

std::string columns(const std::vector<Line>& lines) {
    std::size_t width = 0;
    for (const auto& line : lines) width = std::max(width, line.left.size());
    std::string out;
    for (const auto& line : lines)
        out.append("  ")
            .append(line.left)
            .append(width + kGap - line.left.size(), ' ')
            .append(line.right)
            .append("\n");
    return out;
}

std::string usage_of(const Flags::Flag& flag) {
    std::string text = flag.letter != 0 ? std::string("-") + flag.letter + ", " : "    ";
    text.append("--").append(flag.name);
    return flag.value.empty() ? text : text.append(" ").append(flag.value);
}

std::string options_text(const Flags& flags) {
    std::vector<std::string_view> sections;
    for (const auto& flag : flags.all())
        if (std::find(sections.begin(), sections.end(), flag.section) == sections.end())
            sections.push_back(flag.section);
    std::string out;
    for (const auto section : sections) {
        std::vector<Line> lines;
        for (const auto& flag : flags.all())
            if (flag.section == section) lines.push_back({usage_of(flag), flag.help});
        out.append("\n")
            .append(section.empty() ? "Options" : section)
            .append(":\n")
            .append(columns(lines));
    }
    return out;
}

}  // namespace

std::string help_of_all(const Flags& global) {
    std::string out =
        "Usage:  davit [OPTIONS] COMMAND\n\nRuns containers. Made to feel like docker.\n";
    std::vector<std::string_view> sections;
    for (const auto& entry : all_commands())
        if (!entry.section.empty() &&
            std::find(sections.begin(), sections.end(), entry.section) == sections.end())
            sections.push_back(entry.section);
    for (const auto section : sections) {
        std::vector<Line> lines;
        for (const auto& entry : all_commands())
            if (entry.section == section)
                lines.push_back({std::string(names_of(entry)[0]), entry.summary});
        out.append("\n").append(section).append(":\n").append(columns(lines));
    }
    out +=
        "\ndocker's longer names work too: davit container ls, davit image rm, davit system "
        "info.\n";
    out += options_text(global);
    return out + "\nRun 'davit COMMAND --help' for more about a command.\n";
}

std::string help_of_group(std::string_view group) {
    std::vector<Line> lines;
    for (const auto& entry : all_commands())
        for (const auto name : names_of(entry))
            if (name.starts_with(std::string(group) + " ")) {
                lines.push_back({std::string(name.substr(group.size() + 1)), entry.summary});
                break;
            }
    std::string out =
        "Usage:  davit " + std::string(group) + " COMMAND\n\nCommands:\n" + columns(lines);
    return out + "\nRun 'davit " + std::string(group) +
           " COMMAND --help' for more about a command.\n";
}

std::string help_of_command(const CommandEntry& entry, const Flags& flags) {
    const auto names = names_of(entry);
    std::string out =
        "Usage:  davit " + std::string(names[0]) + " " + std::string(entry.arguments) + "\n\n";
    out.append(entry.summary).append("\n");
    if (names.size() > 1) {
        out += "\nAliases:\n ";
        for (std::size_t i = 0; i < names.size(); ++i)
            out.append(i > 0 ? ", davit " : " davit ").append(names[i]);
        out += "\n";
    }
    if (!entry.examples.empty()) {
        out += "\nExamples:\n  ";
        for (const char c : entry.examples) out.append(c == '\n' ? "\n  " : std::string(1, c));
        out += "\n";
    }
    return out + options_text(flags);
}

}  // namespace davit::cli
