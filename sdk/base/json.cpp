// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <cmath>
#include <set>

namespace davit::json {
namespace {

namespace bj = boost::json;

// "line 3, column 7", counted from 1; columns are bytes, as editors that jump to them count.
std::string position(std::string_view text, std::size_t offset) {
    offset = std::min(offset, text.size());
    const auto before = text.substr(0, offset);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto start = before.rfind('\n');
    const auto column = start == std::string_view::npos ? offset + 1 : offset - start;
    return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Error syntax(std::string_view text, std::size_t offset, std::string_view what,
             std::string_view cause) {
    return fail(Code::invalid, "parse ", what, ": ", position(text, offset), ": ", cause);
}

Result<bj::value> parse_with(std::string_view text, std::string_view what, const Limits& limits,
                             const bj::parse_options& options) {
    if (text.size() > limits.bytes)
        return fail(Code::invalid, "parse ", what, ": longer than ", std::to_string(limits.bytes),
                    " bytes");
    bj::stream_parser parser(bj::storage_ptr(), options);
    bj::error_code error;
    const auto used = parser.write_some(text.data(), text.size(), error);
    if (error) return syntax(text, used, what, error.message());
    if (used < text.size()) return syntax(text, used, what, "extra text after the value");
    parser.finish(error);
    if (error)
        return syntax(text, text.size(), what,
                      text.empty() ? "the document is empty" : "the document ends too early");
    return parser.release();
}

Result<bj::object> as_object(bj::value value, std::string_view what) {
    if (!value.is_object())
        return fail(Code::invalid, "parse ", what, ": expected an object, found ",
                    kind_name(value));
    return std::move(value.get_object());
}

// Watches member names go by and stops at one that its object has already. The syntax is known to
// be right.
struct DuplicateFinder {
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    std::vector<std::set<std::string>> objects;
    std::string key, duplicate;

    bool on_document_begin(bj::error_code&) { return true; }
    bool on_document_end(bj::error_code&) { return true; }
    bool on_object_begin(bj::error_code&) { return objects.emplace_back(), true; }
    bool on_object_end(std::size_t, bj::error_code&) { return objects.pop_back(), true; }
    bool on_array_begin(bj::error_code&) { return true; }
    bool on_array_end(std::size_t, bj::error_code&) { return true; }
    bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) {
        return key.append(part), true;
    }
    bool on_key(bj::string_view part, std::size_t, bj::error_code& error) {
        key.append(part);
        if (!objects.back().insert(key).second) {
            duplicate = key;
            error = bj::error::syntax;
        }
        key.clear();
        return !error;
    }
    bool on_string_part(bj::string_view, std::size_t, bj::error_code&) { return true; }
    bool on_string(bj::string_view, std::size_t, bj::error_code&) { return true; }
    bool on_number_part(bj::string_view, bj::error_code&) { return true; }
    bool on_int64(std::int64_t, bj::string_view, bj::error_code&) { return true; }
    bool on_uint64(std::uint64_t, bj::string_view, bj::error_code&) { return true; }
    bool on_double(double, bj::string_view, bj::error_code&) { return true; }
    bool on_bool(bool, bj::error_code&) { return true; }
    bool on_null(bj::error_code&) { return true; }
    bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
    bool on_comment(bj::string_view, bj::error_code&) { return true; }
};

// Notes on which line each member begins. The parser is given one line at a time, so `line` is
// where it stands.
struct LineFinder : DuplicateFinder {
    struct Place {
        std::string path;
        bool array = false;
        std::size_t next = 0;  // index of the next element
    };
    std::size_t line = 0;
    std::map<std::string, std::size_t> lines;
    std::vector<Place> places;
    std::string member;  // path of the value to come

    bool on_object_begin(bj::error_code&) { return enter(false); }
    bool on_object_end(std::size_t, bj::error_code&) { return places.pop_back(), true; }
    bool on_array_begin(bj::error_code&) { return enter(true); }
    bool on_array_end(std::size_t, bj::error_code&) { return places.pop_back(), true; }
    bool on_key(bj::string_view part, std::size_t, bj::error_code&) {
        key.append(part);
        const auto& above = places.back().path;
        member = above.empty() ? key : above + "." + key;
        lines.emplace(member, line);
        key.clear();
        return true;
    }
    bool on_string(bj::string_view, std::size_t, bj::error_code&) { return take_place(); }
    bool on_int64(std::int64_t, bj::string_view, bj::error_code&) { return take_place(); }
    bool on_uint64(std::uint64_t, bj::string_view, bj::error_code&) { return take_place(); }
    bool on_double(double, bj::string_view, bj::error_code&) { return take_place(); }
    bool on_bool(bool, bj::error_code&) { return take_place(); }
    bool on_null(bj::error_code&) { return take_place(); }

private:
    bool take_place() {
        if (places.empty() || !places.back().array) return true;
        member = places.back().path + "[" + std::to_string(places.back().next++) + "]";
        lines.emplace(member, line);
        return true;
    }
    bool enter(bool array) {
        take_place();
        places.push_back({member, array, 0});
        return true;
    }
};

void append_pretty(std::string& out, const bj::value& value, std::size_t depth);

template <class Items, class Each>
void append_items(std::string& out, const Items& items, std::size_t depth, char open, char close,
                  Each each) {
    out += open;
    bool first = true;
    for (const auto& item : items) {
        out += first ? "\n" : ",\n";
        first = false;
        out.append(2 * (depth + 1), ' ');
        each(item);
    }
    if (!first) out.append("\n").append(2 * depth, ' ');
    out += close;
}

void append_pretty(std::string& out, const bj::value& value, std::size_t depth) {
    if (const auto* object = value.if_object()) {
        append_items(out, *object, depth, '{', '}', [&](const bj::key_value_pair& member) {
            out += bj::serialize(member.key());
            out += ": ";
            append_pretty(out, member.value(), depth + 1);
        });
    } else if (const auto* array = value.if_array()) {
        append_items(out, *array, depth, '[', ']',
                     [&](const bj::value& element) { append_pretty(out, element, depth + 1); });
    } else {
        out += bj::serialize(value);
    }
}

Error wrong_kind(std::string_view key, std::string_view expected, const bj::value& found) {
    return fail(Code::invalid, "read ", key, ": expected ", expected, ", found ", kind_name(found));
}

Error missing(std::string_view key) { return fail(Code::invalid, "read ", key, ": it is missing"); }

std::optional<std::int64_t> whole_number(const bj::value& value) {
    if (const auto* number = value.if_int64()) return *number;
    // From 2^53 on a double no longer tells neighbours apart, so it is not a whole number anybody
    // wrote.
    constexpr double kExact = 9007199254740992.0;
    if (const auto* number = value.if_double();
        number && std::trunc(*number) == *number && std::fabs(*number) < kExact)
        return static_cast<std::int64_t>(*number);
    return std::nullopt;
}

}  // namespace

Result<bj::value> parse(std::string_view text, std::string_view what, Limits limits) {
    bj::parse_options options;
    options.max_depth = limits.depth;
    return parse_with(text, what, limits, options);
}

Result<bj::object> parse_object(std::string_view text, std::string_view what, Limits limits) {
    auto value = TRY(parse(text, what, limits));
    return as_object(std::move(value), what);
}

Result<bj::object> parse_commented(std::string_view text, std::string_view what, Limits limits) {
    bj::parse_options options;
    options.max_depth = limits.depth;
    options.allow_comments = options.allow_trailing_commas = true;
    auto value = TRY(parse_with(text, what, limits, options));
    auto object = TRY(as_object(std::move(value), what));

    bj::basic_parser<DuplicateFinder> finder(options);
    bj::error_code error;
    const auto used = finder.write_some(false, text.data(), text.size(), error);
    if (const auto& name = finder.handler().duplicate; !name.empty())
        return syntax(text, used, what, "\"" + name + "\" appears twice");
    return object;
}

std::map<std::string, std::size_t> member_lines(std::string_view text) {
    bj::parse_options options;
    options.allow_comments = options.allow_trailing_commas = true;
    bj::basic_parser<LineFinder> finder(options);
    bj::error_code error;
    while (!text.empty() && !error) {
        const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
        ++finder.handler().line;
        finder.write_some(true, text.data(), end, error);
        text.remove_prefix(end);
    }
    return std::move(finder.handler().lines);
}

std::string pretty(const bj::value& value) {
    std::string out;
    append_pretty(out, value, 0);
    return out;
}

std::string_view kind_name(const bj::value& value) {
    switch (value.kind()) {
        case bj::kind::null: return "null";
        case bj::kind::bool_: return "a boolean";
        case bj::kind::int64:
        case bj::kind::uint64:
        case bj::kind::double_: return "a number";
        case bj::kind::string: return "a string";
        case bj::kind::array: return "an array";
        case bj::kind::object: break;
    }
    return "an object";
}

const bj::value* find(const bj::object& object, std::string_view key) {
    const auto* value = object.if_contains(bj::string_view(key.data(), key.size()));
    return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::optional<std::string>> get_string(const bj::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr) return std::optional<std::string>{};
    if (const auto* text = value->if_string())
        return std::optional<std::string>(std::string(text->data(), text->size()));
    return wrong_kind(key, "a string", *value);
}

Result<std::string> get_string(const bj::object& object, std::string_view key,
                               std::string fallback) {
    return TRY(get_string(object, key)).value_or(std::move(fallback));
}

Result<std::string> require_string(const bj::object& object, std::string_view key) {
    auto text = TRY(get_string(object, key));
    if (!text) return missing(key);
    return std::move(*text);
}

Result<std::optional<std::int64_t>> get_int(const bj::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr) return std::optional<std::int64_t>{};
    if (const auto number = whole_number(*value)) return number;
    return wrong_kind(key, "a whole number", *value);
}

Result<std::int64_t> get_int(const bj::object& object, std::string_view key,
                             std::int64_t fallback) {
    return TRY(get_int(object, key)).value_or(fallback);
}

Result<std::int64_t> require_int(const bj::object& object, std::string_view key) {
    const auto number = TRY(get_int(object, key));
    if (!number) return missing(key);
    return *number;
}

Result<std::optional<bool>> get_bool(const bj::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr) return std::optional<bool>{};
    if (const auto* flag = value->if_bool()) return std::optional<bool>(*flag);
    return wrong_kind(key, "a boolean", *value);
}

Result<bool> get_bool(const bj::object& object, std::string_view key, bool fallback) {
    return TRY(get_bool(object, key)).value_or(fallback);
}

Result<const bj::object*> get_object(const bj::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr) return nullptr;
    if (const auto* member = value->if_object()) return member;
    return wrong_kind(key, "an object", *value);
}

Result<const bj::array*> get_array(const bj::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr) return nullptr;
    if (const auto* member = value->if_array()) return member;
    return wrong_kind(key, "an array", *value);
}

Result<std::vector<std::string>> get_strings(const bj::object& object, std::string_view key) {
    std::vector<std::string> texts;
    const auto* array = TRY(get_array(object, key));
    if (array == nullptr) return texts;
    for (const auto& element : *array) {
        const auto* text = element.if_string();
        if (text == nullptr)
            return wrong_kind(key, "an array of strings, and in it a string", element);
        texts.emplace_back(text->data(), text->size());
    }
    return texts;
}

}  // namespace davit::json
