// SPDX-License-Identifier: Apache-2.0
// Values as Go prints them: plain (%v), as JSON, and through printf's verbs. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <span>
#include <string>
#include <string_view>

namespace davit::cli::templates {

using Value = boost::json::value;

// Go's %v: "[a b]", "map[k:v]", "<nil>" inside of something; strings without quotes.
std::string plain(const Value& value);
std::string real_text(double value);  // Go's %v of a float64

struct JsonStyle {
    int indent = 0;            // spaces a level; 0: one line without spaces
    bool escape_html = false;  // < > & as \u003c …, as Go's encoder does by default
    bool sort_keys = false;
};
std::string to_json(const Value& value, JsonStyle style = {});

std::string format_printf(std::string_view format, std::span<const Value> arguments);
// A Go string literal: "a\"b" with quotes.
std::string quoted(std::string_view text);
// Whether Go's `if` takes it: not empty, not zero, not false, not nil.
bool truth(const Value& value);

}  // namespace davit::cli::templates
