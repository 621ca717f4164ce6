// SPDX-License-Identifier: Apache-2.0
#include "cli/template/lexer.hpp"

#include <charconv>

namespace davit::cli::templates {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return kSpaces.find(c) != std::string_view::npos; }

void append_utf8(std::string& out, unsigned code) {
    const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) return put(0xC0 | code >> 6), put(0x80 | (code & 63));
    if (code < 0x10000)
        return put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)),
        put(0x80 | (code & 63));
}

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    Result<std::vector<Token>> run() {
        while (at_ < text_.size()) {
            const auto open = text_.find("{{", at_);
            std::string piece(
                text_.substr(at_, open == std::string_view::npos ? open : open - at_));
            if (trim_next_)
                piece.erase(0, std::min(piece.find_first_not_of(kSpaces), piece.size()));
            trim_next_ = false;
            const bool trims = open != std::string_view::npos && open + 3 < text_.size() &&
                               text_[open + 2] == '-' && is_space(text_[open + 3]);
            if (trims) piece.erase(piece.find_last_not_of(kSpaces) + 1);
            if (!piece.empty()) push(Token::Kind::text, std::move(piece));
            if (open == std::string_view::npos) break;
            at_ = open + (trims ? 3 : 2);
            TRY(action(open));
        }
        return std::move(tokens_);
    }

private:
    Position position_at(std::size_t offset) const {
        Position position;
        for (const char c : text_.substr(0, offset)) {
            position.column = c == '\n' ? 1 : position.column + 1;
            position.line += c == '\n';
        }
        return position;
    }

    void push(Token::Kind kind, std::string text) {
        tokens_.push_back({kind, std::move(text), position_at(at_)});
    }
    Error error(std::size_t offset, std::string_view cause) const {
        return fail(Code::invalid, to_string(position_at(offset)), ": ", cause);
    }

    // True when the action ends here; `-}}` trims what follows.
    bool closes() {
        auto rest = text_.substr(at_);
        if (rest.size() >= 4 && is_space(rest[0]) && rest.substr(1, 3) == "-}}") {
            trim_next_ = true;
            at_ += 4;
            return true;
        }
        if (!rest.starts_with("}}")) return false;
        at_ += 2;
        return true;
    }

    Result<void> comment(std::size_t open) {
        const auto end = text_.find("*/", at_);
        if (end == std::string_view::npos) return error(open, "unclosed comment");
        at_ = end + 2;
        if (!closes()) return error(at_, "comment ends before closing }}");
        return {};
    }

    Result<void> action(std::size_t open) {
        const auto first = std::min(text_.find_first_not_of(kSpaces, at_), text_.size());
        if (text_.substr(first).starts_with("/*")) {
            at_ = first;
            return comment(open);
        }
        push(Token::Kind::open, "{{");
        while (!closes()) {
            if (at_ >= text_.size()) return error(open, "unclosed action: }} is missing");
            TRY(word());
        }
        push(Token::Kind::close, "}}");
        return {};
    }

    Result<void> word() {
        const char c = text_[at_];
        const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        if (is_space(c)) {
            if (tokens_.back().kind != Token::Kind::space) push(Token::Kind::space, " ");
            ++at_;
            return {};
        }
        if (c == '"' || c == '\'') return quoted(c);
        if (c == '`') return raw();
        if (c == '.' && is_letter(after)) return take(Token::Kind::field, at_ + 1);
        if (c == '$') return take(Token::Kind::variable, at_);
        if (is_digit(c) || ((c == '-' || c == '+' || c == '.') && is_digit(after))) return number();
        if (is_letter(c)) return take(Token::Kind::word, at_);
        const std::size_t length = text_.substr(at_, 2) == ":=" ? 2 : 1;
        if (length == 1 && std::string_view("().|,=").find(c) == std::string_view::npos)
            return error(at_, std::string("unexpected \"") + c + "\" in action");
        push(Token::Kind::symbol, std::string(text_.substr(at_, length)));
        at_ += length;
        return {};
    }

    // A name from `begin` on.
    Result<void> take(Token::Kind kind, std::size_t begin) {
        auto end = begin + (kind == Token::Kind::variable ? 1 : 0);
        while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
        push(kind, std::string(text_.substr(begin, end - begin)));
        at_ = end;
        return {};
    }

    Result<void> number() {
        const auto end = text_.find_first_not_of("0123456789abcdefABCDEFxX_.+-", at_);
        push(Token::Kind::number,
             std::string(text_.substr(at_, end == std::string_view::npos ? end : end - at_)));
        at_ = std::min(end, text_.size());
        return {};
    }

    Result<void> raw() {
        const auto end = text_.find('`', at_ + 1);
        if (end == std::string_view::npos) return error(at_, "unterminated raw string");
        push(Token::Kind::string, std::string(text_.substr(at_ + 1, end - at_ - 1)));
        at_ = end + 1;
        return {};
    }

    Result<void> quoted(char quote) {
        const auto begin = at_;
        std::string value;
        for (++at_; at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n'; ++at_) {
            if (text_[at_] == '\\')
                TRY(escape(value));
            else
                value += text_[at_];
        }
        if (at_ >= text_.size() || text_[at_] != quote) return error(begin, "unterminated string");
        const auto end = std::exchange(at_, begin);
        push(quote == '"' ? Token::Kind::string : Token::Kind::number,
             quote == '"'
                 ? value
                 : std::to_string(static_cast<unsigned char>(value.empty() ? '\0' : value[0])));
        at_ = end + 1;
        return {};
    }

    // At a backslash; leaves at_ on the last character of the escape.
    Result<void> escape(std::string& value) {
        static constexpr std::string_view kLetters = "abfnrtv\\\"'",
                                          kMeanings = "\a\b\f\n\r\t\v\\\"'";
        const char c = ++at_ < text_.size() ? text_[at_] : '\0';
        if (const auto i = kLetters.find(c); i != std::string_view::npos) {
            value += kMeanings[i];
            return {};
        }
        const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        unsigned code = 0;
        const auto hex = text_.substr(std::min(at_ + 1, text_.size()), digits);
        const auto [end, problem] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
        if (digits == 0 || problem != std::errc() || end != hex.data() + digits || code > 0x10FFFF)
            return error(at_, "unknown escape in string");
        at_ += digits;
        if (c == 'x')
            value += static_cast<char>(code);
        else
            append_utf8(value, code);
        return {};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool trim_next_ = false;
    std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> scan(std::string_view text) { return Scanner(text).run(); }

std::string to_string(Position position) {
    return std::to_string(position.line) + ":" + std::to_string(position.column);
}

}  // namespace davit::cli::templates
