// SPDX-License-Identifier: Apache-2.0
// Cuts a template into text and the words of its actions, with {{- and -}} already applied. Used by
// parser.cpp.
#pragma once

#include "cli/template/node.hpp"
#include "sdk/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::cli::templates {

struct Token {
    enum class Kind { text, open, close, word, field, variable, string, number, symbol, space };
    Kind kind = Kind::text;
    std::string
        text;  // unescaped for strings; ".Name" without the dot for fields, "$x" with the dollar
    Position position;
};

// Errors: invalid, with "line:column".
Result<std::vector<Token>> scan(std::string_view text);
std::string to_string(Position position);

}  // namespace davit::cli::templates
