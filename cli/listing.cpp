// SPDX-License-Identifier: Apache-2.0
#include "cli/listing.hpp"

#include <algorithm>
#include <boost/json/string.hpp>

namespace davit::cli {
namespace {

constexpr std::size_t kMinimum = 10, kPadding = 3;

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

// \t and \n as people type them in a shell.
std::string with_escapes(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto two = text.substr(i, 2);
        if (two == "\\t" || two == "\\n") {
            out += two[1] == 't' ? '\t' : '\n';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

std::string align_columns(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::vector<std::vector<std::string_view>> lines;
    for (const auto line : parts_of(text, '\n')) lines.push_back(parts_of(line, '\t'));
    std::vector<std::size_t> widths;
    for (const auto& cells : lines)
        for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
            if (widths.size() <= i) widths.push_back(kMinimum);
            widths[i] = std::max(widths[i], width_of(cells[i]) + kPadding);
        }
    std::string out;
    for (const auto& cells : lines) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            out += cells[i];
            if (i + 1 < cells.size()) out.append(widths[i] - width_of(cells[i]), ' ');
        }
        out += '\n';
    }
    return out;
}

Result<Listing> Listing::create(std::string_view format, std::string_view standard,
                                std::vector<Heading> headings) {
    bool table = false;
    if (format.empty() || format == "table") {
        table = true;
        format = standard;
    } else if (format.starts_with("table ")) {
        table = true;
        format.remove_prefix(6);
    } else if (format == "json") {
        format = "{{json .}}";
    }
    auto text = with_escapes(format);
    auto rows = TRY(Template::parse(text));
    return Listing(std::move(text), std::move(rows), table, std::move(headings));
}

Result<void> Listing::add(const boost::json::object& row, const Template::Method& method) {
    rows_ += TRY(template_.execute(row, Template::Mode::row, method));
    rows_ += '\n';
    return {};
}

Result<std::string> Listing::heading_line() const {
    boost::json::object row;
    for (const auto& [field, heading] : headings_)
        row[boost::json::string_view(field.data(), field.size())] =
            boost::json::string(heading.data(), heading.size());
    // .Label "com.example.role" heads its column with the key's last word.
    const auto label =
        [](std::string_view,
           std::span<const Template::Value> arguments) -> std::optional<Template::Value> {
        if (arguments.size() != 1 || !arguments[0].is_string()) return std::nullopt;
        const auto& key = arguments[0].get_string();
        return boost::json::string(
            std::string_view(key.data(), key.size())
                .substr(std::string_view(key.data(), key.size()).rfind('.') + 1));
    };
    return TRY(template_.execute(row, Template::Mode::heading, label)) + "\n";
}

Result<std::string> Listing::finish() {
    if (!table_) return std::move(rows_);
    return align_columns(TRY(heading_line()) + rows_);
}

}  // namespace davit::cli
