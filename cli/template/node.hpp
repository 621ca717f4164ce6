// SPDX-License-Identifier: Apache-2.0
// What a template is made of, as the parser leaves it for the evaluator. Plain data.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace davit::cli::templates {

struct Position {
    std::size_t line = 1, column = 1;
};

struct Pipeline;

// One word of a command, with the fields taken from it: (index .Ports 0).HostPort
struct Operand {
    enum class Kind {
        dot,
        field,
        variable,
        function,
        string,
        integer,
        real,
        boolean,
        nil,
        pipeline
    };
    Kind kind = Kind::dot;
    std::string text;  // function or variable name, or the string itself
    std::int64_t integer = 0;
    double real = 0;
    bool boolean = false;
    std::vector<std::string> fields;
    std::shared_ptr<const Pipeline> pipeline;
    Position position;
};

using Command = std::vector<Operand>;

struct Pipeline {
    std::vector<std::string> variables;  // $i, $v := …
    bool assigns = false;                // = instead of :=
    std::vector<Command> commands;
    Position position;
};

struct Node;
using Nodes = std::vector<Node>;

struct Branch {
    enum class Kind { when, range, with };
    Kind kind = Kind::when;
    Pipeline pipeline;
    Nodes body, otherwise;
};

struct Node {
    enum class Jump { leave, next };
    std::variant<std::string, std::shared_ptr<const Pipeline>, std::shared_ptr<const Branch>, Jump>
        what;
};

}  // namespace davit::cli::templates
