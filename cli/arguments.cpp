// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"

#include "cli/output.hpp"
#include "cli/template/print.hpp"
#include "cli/view.hpp"

namespace davit::cli {

int for_each_operand(std::string_view command, const Strings& operands,
                     const std::function<Result<void>(const std::string&)>& each) {
    int status = 0;
    for (const auto& operand : operands) {
        const auto done = each(operand);
        if (done) continue;
        status = 1;
        const auto& what = done.error().what;
        const bool named = what.find(operand) != std::string::npos;
        complain(std::string(command) + (named ? ": " : " " + operand + ": ") + what);
    }
    return status;
}

Result<std::string> filters_json(const Strings& filters) {
    if (filters.empty()) return std::string();
    boost::json::object all;
    for (const auto& filter : filters) {
        const auto equals = filter.find('=');
        if (equals == std::string::npos)
            return fail(Code::invalid, "invalid filter '", filter, "': expected key=value");
        auto& values = all[filter.substr(0, equals)];
        if (!values.is_array()) values.emplace_array();
        values.get_array().push_back(view::text(filter.substr(equals + 1)));
    }
    return templates::to_json(all);
}

std::string ellipsis(std::string_view text, std::size_t most) {
    std::size_t count = 0, cut = text.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((text[i] & 0xC0) == 0x80) continue;
        if (++count == most) cut = i;
    }
    if (count <= most) return std::string(text);
    return std::string(text.substr(0, cut)) + "…";
}

std::string short_id(std::string_view id) {
    if (const auto colon = id.find(':'); colon != std::string_view::npos)
        id.remove_prefix(colon + 1);
    return std::string(id.substr(0, 12));
}

}  // namespace davit::cli
