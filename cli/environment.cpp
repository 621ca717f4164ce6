// SPDX-License-Identifier: Apache-2.0
#include "cli/environment.hpp"

#include "cli/files.hpp"
#include "cli/view.hpp"

#include <cstdlib>

namespace davit::cli {
namespace {

// Lines of the file without empty ones and comments. docker's rule: no blanks before or in the key.
Result<Strings> lines_of(const std::string& path) {
    const auto text = TRY(read_file(path));
    Strings lines;
    std::string_view rest = text;
    if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);  // the mark of some editors
    while (!rest.empty()) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (line.empty() || line[0] == '#') continue;
        const auto key = line.substr(0, line.find('='));
        if (key.empty())
            return fail(Code::invalid, "read ", path, ": no variable name on line '", line, "'");
        if (key.find_first_of(" \t") != std::string_view::npos)
            return fail(Code::invalid, "read ", path, ": variable '", key,
                        "' contains whitespaces");
        lines.emplace_back(line);
    }
    return lines;
}

Result<void> add_variable(Strings& all, const std::string& entry) {
    const auto equals = entry.find('=');
    if (equals == 0 || entry.empty())
        return fail(Code::invalid, "invalid environment variable: ", entry);
    if (equals != std::string::npos)
        all.push_back(entry);
    else if (const char* value = ::getenv(entry.c_str()))
        all.push_back(entry + "=" + value);
    return {};
}

void add_label(boost::json::object& labels, std::string_view entry) {
    const auto equals = entry.find('=');
    const auto key = entry.substr(0, equals);
    labels[boost::json::string_view(key.data(), key.size())] = view::text(
        equals == std::string_view::npos ? std::string_view() : entry.substr(equals + 1));
}

}  // namespace

Result<Strings> environment_of(const Strings& files, const Strings& given) {
    Strings all;
    for (const auto& file : files)
        for (const auto& line : TRY(lines_of(file))) TRY(add_variable(all, line));
    for (const auto& entry : given) TRY(add_variable(all, entry));
    return all;
}

Result<boost::json::object> labels_of(const Strings& files, const Strings& given) {
    boost::json::object labels;
    for (const auto& file : files)
        for (const auto& line : TRY(lines_of(file))) add_label(labels, line);
    for (const auto& entry : given) add_label(labels, entry);
    return labels;
}

Result<boost::json::object> pairs_of(std::string_view flag, const Strings& given) {
    boost::json::object pairs;
    for (const auto& entry : given) {
        if (entry.find('=') == std::string::npos)
            return fail(Code::invalid, "invalid argument \"", entry, "\" for --", flag,
                        ": expected KEY=VALUE");
        add_label(pairs, entry);
    }
    return pairs;
}

}  // namespace davit::cli
