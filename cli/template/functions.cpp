// SPDX-License-Identifier: Apache-2.0
#include "cli/template/functions.hpp"

#include "cli/template/print.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>

namespace davit::cli::templates {
namespace {

namespace bj = boost::json;
using Arguments = std::span<const Value>;
using Function = Result<Value> (*)(Arguments);

struct Entry {
    std::string_view name;
    std::size_t least, most;
    Function call;
};

constexpr std::size_t kAny = 1000;

std::string_view view(const bj::string& text) { return {text.data(), text.size()}; }
Value text(std::string_view value) { return bj::string(value.data(), value.size()); }

Result<std::string_view> string_of(const Value& value) {
    if (const auto* string = value.if_string()) return view(*string);
    return fail(Code::invalid, "expected a string, found ", plain(value));
}

Result<std::int64_t> integer_of(const Value& value) {
    if (const auto* number = value.if_int64()) return *number;
    return fail(Code::invalid, "expected a whole number, found ", plain(value));
}

// -- comparisons
// -------------------------------------------------------------------------------------------------------

// Negative, zero or positive; nothing when the two cannot be compared.
std::optional<int> compare(const Value& a, const Value& b) {
    if (a.is_string() && b.is_string()) return a.get_string().compare(b.get_string());
    if (a.is_bool() && b.is_bool())
        return static_cast<int>(a.get_bool()) - static_cast<int>(b.get_bool());
    if (a.is_null() && b.is_null()) return 0;
    if (!a.is_number() || !b.is_number()) return std::nullopt;
    if (a.is_int64() && b.is_int64())
        return a.get_int64() < b.get_int64() ? -1 : a.get_int64() > b.get_int64();
    const auto x = a.to_number<double>(), y = b.to_number<double>();
    return x < y ? -1 : x > y;
}

Result<int> compared(const Value& a, const Value& b) {
    if (const auto order = compare(a, b)) return *order;
    return fail(Code::invalid, "incompatible types for comparison: ", plain(a), " and ", plain(b));
}

Result<Value> equal(Arguments arguments) {
    for (const auto& other : arguments.subspan(1)) {
        if (arguments[0].is_null() != other.is_null()) continue;
        if (TRY(compared(arguments[0], other)) == 0) return Value(true);
    }
    return Value(false);
}

Result<Value> not_equal(Arguments arguments) { return Value(!TRY(equal(arguments)).as_bool()); }
Result<Value> less(Arguments a) { return Value(TRY(compared(a[0], a[1])) < 0); }
Result<Value> less_equal(Arguments a) { return Value(TRY(compared(a[0], a[1])) <= 0); }
Result<Value> greater(Arguments a) { return Value(TRY(compared(a[0], a[1])) > 0); }
Result<Value> greater_equal(Arguments a) { return Value(TRY(compared(a[0], a[1])) >= 0); }
Result<Value> negation(Arguments a) { return Value(!truth(a[0])); }

// -- containers
// --------------------------------------------------------------------------------------------------------

// A missing key gives the zero value of what the others hold, as a Go map would.
Value zero_like(const bj::object& object) {
    for (const auto& member : object) {
        if (member.value().is_string()) return bj::string();
        if (member.value().is_array()) return bj::array();
        if (!member.value().is_null()) return nullptr;
    }
    return bj::string();
}

Result<Value> element(const Value& container, const Value& key) {
    if (const auto* object = container.if_object()) {
        const auto name = TRY(string_of(key));
        const auto* found = object->if_contains(bj::string_view(name.data(), name.size()));
        return found != nullptr ? *found : zero_like(*object);
    }
    const auto index = TRY(integer_of(key));
    const auto at = static_cast<std::size_t>(index);
    if (const auto* array = container.if_array();
        array != nullptr && index >= 0 && at < array->size())
        return (*array)[at];
    if (const auto* string = container.if_string();
        string != nullptr && index >= 0 && at < string->size())
        return Value(static_cast<std::int64_t>(static_cast<unsigned char>((*string)[at])));
    if (container.is_array() || container.is_string() || container.is_null())
        return fail(Code::invalid, "index out of range: ", std::to_string(index));
    return fail(Code::invalid, "can't index ", plain(container));
}

Result<Value> index(Arguments arguments) {
    Value value = arguments[0];
    for (const auto& key : arguments.subspan(1)) value = TRY(element(value, key));
    return value;
}

Result<std::size_t> size_of(const Value& value) {
    if (const auto* string = value.if_string()) return string->size();
    if (const auto* array = value.if_array()) return array->size();
    if (const auto* object = value.if_object()) return object->size();
    if (value.is_null()) return std::size_t{0};
    return fail(Code::invalid, "len of ", plain(value));
}

Result<Value> length(Arguments arguments) {
    return Value(static_cast<std::int64_t>(TRY(size_of(arguments[0]))));
}

Result<Value> slice(Arguments arguments) {
    const auto size = static_cast<std::int64_t>(TRY(size_of(arguments[0])));
    const auto from = arguments.size() > 1 ? TRY(integer_of(arguments[1])) : 0;
    const auto to = arguments.size() > 2 ? TRY(integer_of(arguments[2])) : size;
    if (from < 0 || to > size || from > to) return fail(Code::invalid, "slice bounds out of range");
    const auto begin = static_cast<std::size_t>(from), count = static_cast<std::size_t>(to - from);
    if (const auto* string = arguments[0].if_string())
        return text(view(*string).substr(begin, count));
    const auto* array = arguments[0].if_array();
    if (array == nullptr) return fail(Code::invalid, "can't slice ", plain(arguments[0]));
    return bj::array(array->begin() + from, array->begin() + to);
}

// -- text
// --------------------------------------------------------------------------------------------------------------

Result<Value> join(Arguments arguments) {
    const auto separator = TRY(string_of(arguments[1]));
    std::string out;
    if (arguments[0].is_null()) return text("");
    const auto* array = arguments[0].if_array();
    if (array == nullptr)
        return fail(Code::invalid, "expected a list, found ", plain(arguments[0]));
    for (std::size_t i = 0; i < array->size(); ++i)
        out.append(i > 0 ? separator : "").append(plain((*array)[i]));
    return text(out);
}

Result<Value> split(Arguments arguments) {
    auto rest = TRY(string_of(arguments[0]));
    const auto separator = TRY(string_of(arguments[1]));
    bj::array parts;
    while (separator.empty() ? rest.size() > 1 : rest.find(separator) != std::string_view::npos) {
        const auto end = separator.empty() ? 1 : rest.find(separator);
        parts.push_back(text(rest.substr(0, end)));
        rest.remove_prefix(end + separator.size());
    }
    if (!separator.empty() || !rest.empty()) parts.push_back(text(rest));
    return Value(std::move(parts));
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

Result<Value> lower(Arguments arguments) {
    std::string value(TRY(string_of(arguments[0])));
    std::transform(value.begin(), value.end(), value.begin(), to_lower);
    return text(value);
}

Result<Value> upper(Arguments arguments) {
    std::string value(TRY(string_of(arguments[0])));
    std::transform(value.begin(), value.end(), value.begin(), to_upper);
    return text(value);
}

// The first letter of every word, as strings.Title.
Result<Value> title(Arguments arguments) {
    std::string value(TRY(string_of(arguments[0])));
    bool begins = true;
    for (char& c : value) {
        if (begins) c = to_upper(c);
        const bool letter = to_lower(c) != to_upper(c) || (c >= '0' && c <= '9') || c == '_' ||
                            c == '\'' || (c & 0x80);
        begins = !letter;
    }
    return text(value);
}

Result<Value> pad(Arguments arguments) {
    const auto value = TRY(string_of(arguments[0]));
    if (value.empty()) return text("");
    const auto before = TRY(integer_of(arguments[1])), after = TRY(integer_of(arguments[2]));
    const auto spaces = [](std::int64_t n) {
        return std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(n, 0, 4096)), ' ');
    };
    return text(spaces(before).append(value).append(spaces(after)));
}

Result<Value> truncate(Arguments arguments) {
    const auto value = TRY(string_of(arguments[0]));
    const auto most = TRY(integer_of(arguments[1]));
    return text(value.substr(0, static_cast<std::size_t>(std::max<std::int64_t>(most, 0))));
}

Result<Value> json(Arguments arguments) {
    return text(to_json(arguments[0], {.sort_keys = false}));
}

// fmt.Print puts a space between two arguments when neither is a string.
Result<Value> print(Arguments arguments) {
    std::string out;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (i > 0 && !arguments[i].is_string() && !arguments[i - 1].is_string()) out += ' ';
        out += plain(arguments[i]);
    }
    return text(out);
}

Result<Value> println(Arguments arguments) {
    std::string out;
    for (std::size_t i = 0; i < arguments.size(); ++i)
        out.append(i > 0 ? " " : "").append(plain(arguments[i]));
    return text(out + "\n");
}

Result<Value> printf(Arguments arguments) {
    return text(format_printf(TRY(string_of(arguments[0])), arguments.subspan(1)));
}

std::string with_replacements(std::string_view value,
                              const std::pair<char, std::string_view>* table, std::size_t count) {
    std::string out;
    for (const char c : value) {
        const auto* found =
            std::find_if(table, table + count, [&](const auto& entry) { return entry.first == c; });
        if (found != table + count)
            out += found->second;
        else
            out += c;
    }
    return out;
}

Result<Value> html(Arguments arguments) {
    static constexpr std::pair<char, std::string_view> kEscapes[] = {
        {'"', "&#34;"}, {'\'', "&#39;"}, {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}};
    return text(with_replacements(plain(arguments[0]), kEscapes, std::size(kEscapes)));
}

Result<Value> urlquery(Arguments arguments) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : plain(arguments[0])) {
        const auto byte = static_cast<unsigned char>(c);
        const bool same = to_lower(c) != to_upper(c) || (c >= '0' && c <= '9') ||
                          std::string_view("-_.~").find(c) != std::string_view::npos;
        if (same)
            out += c;
        else if (c == ' ')
            out += '+';
        else
            ((out += '%') += kDigits[byte >> 4]) += kDigits[byte & 15];
    }
    return text(out);
}

constexpr Entry kFunctions[] = {
    {"and", 1, kAny, nullptr},     {"or", 1, kAny, nullptr},    {"not", 1, 1, negation},
    {"eq", 2, kAny, equal},        {"ne", 2, 2, not_equal},     {"lt", 2, 2, less},
    {"le", 2, 2, less_equal},      {"gt", 2, 2, greater},       {"ge", 2, 2, greater_equal},
    {"index", 1, kAny, index},     {"len", 1, 1, length},       {"slice", 1, 3, slice},
    {"join", 2, 2, join},          {"split", 2, 2, split},      {"lower", 1, 1, lower},
    {"upper", 1, 1, upper},        {"title", 1, 1, title},      {"pad", 3, 3, pad},
    {"truncate", 2, 2, truncate},  {"json", 1, 1, json},        {"print", 0, kAny, print},
    {"println", 0, kAny, println}, {"printf", 1, kAny, printf}, {"html", 1, 1, html},
    {"urlquery", 1, 1, urlquery},
};

const Entry* find(std::string_view name) {
    const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                     [&](const Entry& entry) { return entry.name == name; });
    return found == std::end(kFunctions) ? nullptr : found;
}

}  // namespace

bool is_function(std::string_view name) { return find(name) != nullptr; }

Result<Value> call_function(std::string_view name, std::span<const Value> arguments) {
    const auto* entry = find(name);
    if (entry == nullptr || entry->call == nullptr)
        return fail(Code::invalid, name, ": not a function");
    if (arguments.size() < entry->least || arguments.size() > entry->most)
        return fail(Code::invalid, name, ": wrong number of arguments: want ",
                    std::to_string(entry->least), entry->most == kAny ? " or more" : "", ", got ",
                    std::to_string(arguments.size()));
    return entry->call(arguments).context(name);
}

}  // namespace davit::cli::templates
