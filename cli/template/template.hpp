// SPDX-License-Identifier: Apache-2.0
// Go's text/template language over JSON values, with docker's functions: what --format takes. Used
// by format.hpp and inspect. A Template is immutable and may be executed many times.
#pragma once

#include "cli/template/node.hpp"
#include "sdk/base/result.hpp"

#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace davit::cli {

class Template {
public:
    using Value = boost::json::value;
    // Fields of the root that are calls: .Label "key". Asked before the object's members; nothing:
    // not such a field.
    using Method = std::function<std::optional<Value>(std::string_view name,
                                                      std::span<const Value> arguments)>;
    enum class Mode {
        row,      // one row of a list: its fields are a closed list, and as JSON they are sorted
        inspect,  // an object of the API: fields that it leaves out when empty read as their zero
                  // value
        heading,  // the values are column headings: functions that change text leave them alone
    };

    // Errors: invalid, "parse template: 1:7: …".
    static Result<Template> parse(std::string_view text);
    // Errors: invalid, "1:3: .Nope: no such field; …".
    Result<std::string> execute(const Value& data, Mode mode = Mode::inspect,
                                const Method& method = {}) const;

private:
    explicit Template(templates::Nodes nodes) : nodes_(std::move(nodes)) {}
    templates::Nodes nodes_;
};

}  // namespace davit::cli
