// SPDX-License-Identifier: Apache-2.0
#include "cli/template/print.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>
#include <vector>

namespace davit::cli::templates {
namespace {

namespace bj = boost::json;
std::string_view view(const bj::string& text) { return {text.data(), text.size()}; }
std::string_view view(bj::string_view text) { return {text.data(), text.size()}; }

std::vector<const bj::key_value_pair*> members(const bj::object& object, bool sorted) {
    std::vector<const bj::key_value_pair*> all;
    all.reserve(object.size());
    for (const auto& member : object) all.push_back(&member);
    if (sorted)
        std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->key() < b->key(); });
    return all;
}

void append_hex(std::string& out, unsigned code) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[code >> shift & 15];
}

void append_string(std::string& out, std::string_view text, const JsonStyle& style) {
    out += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool html = style.escape_html && (c == '<' || c == '>' || c == '&');
        if (c == '"' || c == '\\') {
            (out += '\\') += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c == '\b') {
            out += "\\b";
        } else if (c == '\f') {
            out += "\\f";
        } else if (static_cast<unsigned char>(c) < 0x20 || html) {
            append_hex(out, static_cast<unsigned char>(c));
        } else if (text.substr(i, 3) == "\u2028" || text.substr(i, 3) == "\u2029") {
            append_hex(out, text[i + 2] == '\xa8' ? 0x2028 : 0x2029);
            i += 2;
        } else {
            out += c;
        }
    }
    out += '"';
}

// encoding/json's form of a float: like %v, with an exponent only below 1e-6 and from 1e21 on.
std::string json_real(double value) {
    char buffer[64];
    const double size = std::fabs(value);
    const auto form = size != 0 && (size < 1e-6 || size >= 1e21) ? std::chars_format::scientific
                                                                 : std::chars_format::fixed;
    std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, form).ptr);
    if (const auto e = text.find("e-0"); e != std::string::npos) text.erase(e + 2, 1);
    return text;
}

void append_json(std::string& out, const Value& value, const JsonStyle& style, int depth) {
    const auto line = [&](int level) {
        if (style.indent > 0)
            out.append("\n").append(static_cast<std::size_t>(style.indent * level), ' ');
    };
    if (const auto* object = value.if_object()) {
        out += '{';
        bool first = true;
        for (const auto* member : members(*object, style.sort_keys)) {
            if (!std::exchange(first, false)) out += ',';
            line(depth + 1);
            append_string(out, view(member->key()), style);
            out += style.indent > 0 ? ": " : ":";
            append_json(out, member->value(), style, depth + 1);
        }
        if (!first) line(depth);
        out += '}';
    } else if (const auto* array = value.if_array()) {
        out += '[';
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (i > 0) out += ',';
            line(depth + 1);
            append_json(out, (*array)[i], style, depth + 1);
        }
        if (!array->empty()) line(depth);
        out += ']';
    } else if (const auto* text = value.if_string()) {
        append_string(out, view(*text), style);
    } else if (const auto* real = value.if_double()) {
        out += json_real(*real);
    } else {
        out += value.is_null() ? "null" : plain(value);
    }
}

std::string padded(std::string text, int width, bool left, char fill = ' ') {
    std::size_t length = 0;  // in code points
    for (const char c : text) length += (c & 0xC0) != 0x80;
    const auto missing = static_cast<std::size_t>(std::max(0, width)) > length
                             ? static_cast<std::size_t>(width) - length
                             : 0;
    if (left) return text.append(missing, ' ');
    const bool sign = fill == '0' && !text.empty() && (text[0] == '-' || text[0] == '+');
    return text.insert(sign ? 1 : 0, missing, fill);
}

struct Verb {
    bool left = false, plus = false, zero = false, sharp = false;
    int width = 0, precision = -1;
    char letter = 0;
};

Verb take_verb(std::string_view& format) {
    Verb verb;
    const auto number = [&](int& target) {
        const auto [end, error] =
            std::from_chars(format.data(), format.data() + format.size(), target);
        (void)error;  // no digits: stays as it was
        format.remove_prefix(static_cast<std::size_t>(end - format.data()));
    };
    for (; !format.empty(); format.remove_prefix(1)) {
        if (format[0] == '-')
            verb.left = true;
        else if (format[0] == '+')
            verb.plus = true;
        else if (format[0] == '0')
            verb.zero = true;
        else if (format[0] == '#')
            verb.sharp = true;
        else if (format[0] != ' ')
            break;
    }
    number(verb.width);
    if (format.starts_with('.')) {
        format.remove_prefix(1);
        verb.precision = 0;
        number(verb.precision);
    }
    if (!format.empty()) {
        verb.letter = format[0];
        format.remove_prefix(1);
    }
    return verb;
}

std::string_view type_name(const Value& value) {
    switch (value.kind()) {
        case bj::kind::null: return "<nil>";
        case bj::kind::bool_: return "bool";
        case bj::kind::int64: return "int64";
        case bj::kind::uint64: return "uint64";
        case bj::kind::double_: return "float64";
        case bj::kind::string: return "string";
        case bj::kind::array: return "[]interface {}";
        case bj::kind::object: break;
    }
    return "map[string]interface {}";
}

// %!d(string=x): what Go writes when verb and value do not fit.
std::string mismatch(const Verb& verb, const Value& value) {
    std::string text = "%!";
    text += verb.letter;
    return text.append("(").append(type_name(value)).append("=").append(plain(value)).append(")");
}

std::string integer_text(const Value& value, int base, bool upper) {
    char buffer[72];
    const auto end =
        value.is_uint64()
            ? std::to_chars(buffer, buffer + sizeof buffer, value.get_uint64(), base).ptr
            : std::to_chars(buffer, buffer + sizeof buffer, value.get_int64(), base).ptr;
    std::string text(buffer, end);
    if (upper)
        for (char& c : text) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
    return text;
}

std::string hex_of(std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        out += kDigits[static_cast<unsigned char>(c) >> 4];
        out += kDigits[c & 15];
    }
    return out;
}

std::string real_verb(const Verb& verb, double value) {
    char buffer[400];
    const auto form = verb.letter == 'f' || verb.letter == 'F' ? std::chars_format::fixed
                      : verb.letter == 'e'                     ? std::chars_format::scientific
                                                               : std::chars_format::general;
    if (verb.letter == 'g' && verb.precision < 0) return real_text(value);
    const int precision = verb.precision < 0 ? 6 : verb.precision;
    return std::string(buffer,
                       std::to_chars(buffer, buffer + sizeof buffer, value, form, precision).ptr);
}

std::string one(const Verb& verb, const Value& value) {
    const bool integer = value.is_int64() || value.is_uint64();
    const auto* text = value.if_string();
    switch (verb.letter) {
        case 'v': return plain(value);
        case 's': {
            if (value.is_bool() || integer || value.is_double()) return mismatch(verb, value);
            auto shown = plain(value);
            return verb.precision >= 0 ? shown.substr(0, static_cast<std::size_t>(verb.precision))
                                       : shown;
        }
        case 'q': return text != nullptr ? quoted(view(*text)) : mismatch(verb, value);
        case 't': return value.is_bool() ? plain(value) : mismatch(verb, value);
        case 'T': return std::string(type_name(value));
        case 'd': return integer ? integer_text(value, 10, false) : mismatch(verb, value);
        case 'o': return integer ? integer_text(value, 8, false) : mismatch(verb, value);
        case 'b': return integer ? integer_text(value, 2, false) : mismatch(verb, value);
        case 'c':
            return value.is_int64() ? std::string(1, static_cast<char>(value.get_int64()))
                                    : mismatch(verb, value);
        case 'x':
        case 'X':
            if (text != nullptr) return hex_of(view(*text));
            return integer ? integer_text(value, 16, verb.letter == 'X') : mismatch(verb, value);
        case 'f':
        case 'F':
        case 'e':
        case 'g':
            return value.is_double() ? real_verb(verb, value.get_double()) : mismatch(verb, value);
        default: return mismatch(verb, value);
    }
}

}  // namespace

std::string real_text(double value) {
    char buffer[64];
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    const double size = std::fabs(value);
    const auto form = size != 0 && (size < 1e-4 || size >= 1e21) ? std::chars_format::scientific
                                                                 : std::chars_format::fixed;
    return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value, form).ptr};
}

std::string plain(const Value& value) {
    switch (value.kind()) {
        case bj::kind::null: return "<nil>";
        case bj::kind::bool_: return value.get_bool() ? "true" : "false";
        case bj::kind::int64: return std::to_string(value.get_int64());
        case bj::kind::uint64: return std::to_string(value.get_uint64());
        case bj::kind::double_: return real_text(value.get_double());
        case bj::kind::string: return std::string(view(value.get_string()));
        default: break;
    }
    std::string out = value.is_array() ? "[" : "map[";
    auto separate = [&, first = true]() mutable {
        if (!std::exchange(first, false)) out += ' ';
    };
    if (const auto* array = value.if_array())
        for (const auto& element : *array) separate(), out += plain(element);
    if (const auto* object = value.if_object())
        for (const auto* member : members(*object, true))
            separate(), out.append(view(member->key())).append(":").append(plain(member->value()));
    return out + "]";
}

std::string to_json(const Value& value, JsonStyle style) {
    std::string out;
    append_json(out, value, style, 0);
    return out;
}

std::string quoted(std::string_view text) {
    static constexpr std::string_view kPlain = "\a\b\f\n\r\t\v\\\"", kLetters = "abfnrtv\\\"";
    std::string out = "\"";
    for (const char c : text) {
        if (const auto i = kPlain.find(c); i != std::string_view::npos)
            (out += '\\') += kLetters[i];
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += "\\x" + hex_of({&c, 1});
        else
            out += c;
    }
    return out + "\"";
}

bool truth(const Value& value) {
    switch (value.kind()) {
        case bj::kind::null: return false;
        case bj::kind::bool_: return value.get_bool();
        case bj::kind::int64: return value.get_int64() != 0;
        case bj::kind::uint64: return value.get_uint64() != 0;
        case bj::kind::double_: return value.get_double() != 0;
        case bj::kind::string: return !value.get_string().empty();
        case bj::kind::array: return !value.get_array().empty();
        case bj::kind::object: break;
    }
    return !value.get_object().empty();
}

std::string format_printf(std::string_view format, std::span<const Value> arguments) {
    std::string out;
    std::size_t used = 0;
    while (!format.empty()) {
        const auto percent = format.find('%');
        out += format.substr(0, percent);
        if (percent == std::string_view::npos) break;
        format.remove_prefix(percent + 1);
        const auto verb = take_verb(format);
        if (verb.letter == '%') {
            out += '%';
        } else if (verb.letter == 0) {
            out += "%!(NOVERB)";
        } else if (used >= arguments.size()) {
            out.append("%!").append(1, verb.letter).append("(MISSING)");
        } else {
            const auto& value = arguments[used++];
            auto text = one(verb, value);
            if (verb.plus && value.is_number() && !text.starts_with('-')) text.insert(0, "+");
            out +=
                padded(std::move(text), verb.width, verb.left, verb.zero && !verb.left ? '0' : ' ');
        }
    }
    if (used < arguments.size()) {
        out += "%!(EXTRA ";
        for (auto i = used; i < arguments.size(); ++i)
            out.append(i > used ? ", " : "")
                .append(type_name(arguments[i]))
                .append("=")
                .append(plain(arguments[i]));
        out += ")";
    }
    return out;
}

}  // namespace davit::cli::templates
