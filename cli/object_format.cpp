// SPDX-License-Identifier: Apache-2.0
#include "cli/object_format.hpp"

#include "cli/output.hpp"
#include "cli/template/print.hpp"
#include "cli/template/template.hpp"
#include "sdk/base/json.hpp"

namespace davit::cli {

Result<std::string> format_object(const boost::json::value& object, std::string_view format) {
    if (format == "json") return templates::to_json(object) + "\n";
    const auto parsed = TRY(Template::parse(format));
    return TRY(parsed.execute(object)) + "\n";
}

Result<void> Inspection::add(const std::string& text) {
    const auto object = TRY(json::parse(text, "the daemon's answer", {.bytes = 64u << 20}));
    if (format_.empty()) {
        // Indented one level deeper, as an element of the array around it.
        out_ += empty_ ? "[\n    " : ",\n    ";
        for (const char c : templates::to_json(object, {.indent = 4}))
            out_ += c == '\n' ? std::string("\n    ") : std::string(1, c);
    } else {
        out_ += TRY(format_object(object, format_));
    }
    empty_ = false;
    return {};
}

Result<void> Inspection::finish() {
    if (format_.empty()) out_ += empty_ ? "[]\n" : "\n]\n";
    return print(out_);
}

}  // namespace davit::cli
