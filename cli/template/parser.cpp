// SPDX-License-Identifier: Apache-2.0
#include "cli/template/parser.hpp"

#include "cli/template/functions.hpp"
#include "cli/template/lexer.hpp"

#include <algorithm>
#include <charconv>

namespace davit::cli::templates {
namespace {

// Words of the language that may not be used as functions.
bool is_keyword(std::string_view word) {
    static constexpr std::string_view kWords[] = {"if",   "else",  "end",     "range",
                                                  "with", "break", "continue"};
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {
        tokens_.push_back(
            {Token::Kind::text, "", tokens_.empty() ? Position{} : tokens_.back().position});
    }

    Result<Nodes> run() {
        variables_.push_back("$");
        auto nodes = TRY(list());
        if (!finished()) return error("unexpected {{" + peek(1).text + "}}");
        return nodes;
    }

private:
    using Kind = Token::Kind;
    bool finished() const { return at_ + 1 >= tokens_.size(); }
    const Token& peek(std::size_t ahead = 0) const {
        return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
    }
    const Token& next() { return tokens_[std::min(at_++, tokens_.size() - 1)]; }
    bool is(Kind kind, std::string_view text) const {
        return peek().kind == kind && peek().text == text;
    }
    void skip_space() {
        while (peek().kind == Kind::space) ++at_;
    }
    Error error(std::string_view cause) const {
        return fail(Code::invalid, to_string(peek().position), ": ", cause);
    }

    // The keyword of the action that begins here, or empty.
    std::string_view keyword() {
        auto at = at_ + 1;
        while (at < tokens_.size() && tokens_[at].kind == Kind::space) ++at;
        if (peek().kind != Kind::open || at >= tokens_.size() || tokens_[at].kind != Kind::word)
            return {};
        return is_keyword(tokens_[at].text) ? std::string_view(tokens_[at].text)
                                            : std::string_view();
    }
    // Goes behind "{{ keyword".
    void enter() {
        ++at_;
        skip_space();
        ++at_;
    }
    Result<void> close() {
        skip_space();
        if (peek().kind != Kind::close) return error("expected }}, found \"" + peek().text + "\"");
        ++at_;
        return {};
    }

    // Nodes up to {{end}} or {{else}}, which is left for the caller.
    Result<Nodes> list() {
        Nodes nodes;
        while (!finished()) {
            if (peek().kind == Kind::text) {
                nodes.push_back({next().text});
                continue;
            }
            const auto word = keyword();
            if (word == "end" || word == "else") break;
            if (word == "break" || word == "continue") {
                if (loops_ == 0) return error("{{" + std::string(word) + "}} outside {{range}}");
                enter();
                nodes.push_back({word == "break" ? Node::Jump::leave : Node::Jump::next});
                TRY(close());
            } else if (!word.empty()) {
                nodes.push_back(TRY(branch(word, End::own)));
            } else {
                ++at_;
                auto action = TRY(pipeline(Kind::close));
                nodes.push_back({std::make_shared<const Pipeline>(std::move(action))});
                TRY(close());
            }
        }
        return nodes;
    }

    // `else if` and `else with` are closed by the {{end}} of the branch around them: it is left for
    // that one.
    enum class End { own, shared };
    Result<Node> branch(std::string_view word, End end) {
        using BranchKind = Branch::Kind;
        Branch branch;
        branch.kind = word == "if"      ? BranchKind::when
                      : word == "range" ? BranchKind::range
                                        : BranchKind::with;
        const auto opened = peek().position;
        const auto visible = variables_.size();
        enter();
        branch.pipeline = TRY(pipeline(Kind::close));
        TRY(close());
        loops_ += branch.kind == BranchKind::range;
        branch.body = TRY(list());
        loops_ -= branch.kind == BranchKind::range;
        if (keyword() == "else") branch.otherwise = TRY(otherwise(word));
        if (keyword() != "end")
            return fail(Code::invalid, to_string(opened), ": {{", word, "}} has no {{end}}");
        if (end == End::own) {
            enter();
            TRY(close());
        }
        variables_.resize(visible);
        return Node{std::make_shared<const Branch>(std::move(branch))};
    }

    Result<Nodes> otherwise(std::string_view word) {
        const auto else_at = at_;
        enter();
        skip_space();
        const bool chained =
            (word == "if" && is(Kind::word, "if")) || (word == "with" && is(Kind::word, "with"));
        if (!chained) {
            TRY(close());
            return list();
        }
        // Read "{{else if x}}" as "{{else}}{{if x}}" whose {{end}} is ours: the word `else` becomes
        // a space.
        at_ = else_at;
        tokens_[at_ + 1].kind = Kind::space;
        for (auto i = at_ + 1; tokens_[i].text != word; ++i) tokens_[i].kind = Kind::space;
        Nodes nodes;
        nodes.push_back(TRY(branch(word, End::shared)));
        return nodes;
    }

    Result<Pipeline> pipeline(Kind end) {
        Pipeline pipeline;
        skip_space();
        pipeline.position = peek().position;
        TRY(declaration(pipeline));
        for (;;) {
            skip_space();
            auto command = TRY(this->command());
            if (command.empty()) return error("missing value in action");
            pipeline.commands.push_back(std::move(command));
            if (!is(Kind::symbol, "|")) break;
            ++at_;
        }
        if (peek().kind != end && !(end == Kind::symbol && is(Kind::symbol, ")")))
            return error("unexpected \"" + peek().text + "\" in action");
        variables_.insert(variables_.end(), pending_.begin(), pending_.end());
        pending_.clear();
        return pipeline;
    }

    // $x := …, $i, $x := …, $x = …
    Result<void> declaration(Pipeline& pipeline) {
        const auto begin = at_;
        std::vector<std::string> names;
        while (peek().kind == Kind::variable) {
            names.push_back(next().text);
            skip_space();
            if (!is(Kind::symbol, ",")) break;
            ++at_;
            skip_space();
        }
        if (names.empty() || names.size() > 2 ||
            !(is(Kind::symbol, ":=") || is(Kind::symbol, "="))) {
            at_ = begin;
            return {};
        }
        pipeline.assigns = next().text == "=";
        if (!pipeline.assigns) pending_ = names;
        pipeline.variables = std::move(names);
        return {};
    }

    Result<Command> command() {
        Command command;
        for (;;) {
            skip_space();
            const auto& token = peek();
            if (token.kind == Kind::close || finished()) break;
            if (token.kind == Kind::symbol && token.text != "(" && token.text != ".") break;
            command.push_back(TRY(operand()));
        }
        return command;
    }

    Result<Operand> operand() {
        Operand operand;
        const auto token = next();
        operand.position = token.position;
        operand.text = token.text;
        switch (token.kind) {
            case Kind::field:
                operand.kind = Operand::Kind::field;
                operand.fields.push_back(token.text);
                break;
            case Kind::variable:
                operand.kind = Operand::Kind::variable;
                if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end())
                    return fail(Code::invalid, to_string(token.position), ": undefined variable \"",
                                token.text, "\"");
                break;
            case Kind::string: operand.kind = Operand::Kind::string; break;
            case Kind::number: TRY(number(operand)); break;
            case Kind::word: TRY(name(operand)); break;
            default: TRY(symbol(operand));
        }
        while (peek().kind == Kind::field) operand.fields.push_back(next().text);
        return operand;
    }

    Result<void> symbol(Operand& operand) {
        if (operand.text == ".") {
            operand.kind = Operand::Kind::dot;
            return {};
        }
        operand.kind = Operand::Kind::pipeline;
        operand.pipeline = std::make_shared<const Pipeline>(TRY(pipeline(Kind::symbol)));
        ++at_;
        return {};
    }

    Result<void> name(Operand& operand) {
        if (operand.text == "true" || operand.text == "false") {
            operand.kind = Operand::Kind::boolean;
            operand.boolean = operand.text == "true";
        } else if (operand.text == "nil") {
            operand.kind = Operand::Kind::nil;
        } else if (is_function(operand.text)) {
            operand.kind = Operand::Kind::function;
        } else {
            return fail(Code::invalid, to_string(operand.position), ": function \"", operand.text,
                        "\" is not defined");
        }
        return {};
    }

    Result<void> number(Operand& operand) {
        std::string_view digits = operand.text;
        if (digits.starts_with('+')) digits.remove_prefix(1);
        const auto* end = digits.data() + digits.size();
        const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
        auto whole = hex ? std::from_chars(digits.data() + 2, end, operand.integer, 16)
                         : std::from_chars(digits.data(), end, operand.integer);
        operand.kind = Operand::Kind::integer;
        if (whole.ec == std::errc() && whole.ptr == end) return {};
        const auto real = std::from_chars(digits.data(), end, operand.real);
        operand.kind = Operand::Kind::real;
        if (real.ec == std::errc() && real.ptr == end) return {};
        return fail(Code::invalid, to_string(operand.position), ": bad number \"", operand.text,
                    "\"");
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int loops_ = 0;
    std::vector<std::string> variables_, pending_;
};

}  // namespace

Result<Nodes> parse(std::string_view text) {
    auto tokens = TRY(scan(text));
    return Parser(std::move(tokens)).run();
}

}  // namespace davit::cli::templates
