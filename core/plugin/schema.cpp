// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/schema.hpp"

#include "sdk/base/json.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <numeric>
#include <optional>
#include <regex>

namespace davit::plugin {
namespace {

namespace bj = boost::json;

bj::string_view boosted(std::string_view text) { return {text.data(), text.size()}; }
std::string_view plain(bj::string_view text) { return {text.data(), text.size()}; }

// ---- the schema itself
// ------------------------------------------------------------------------------------------

Error bad(std::string_view keyword, std::string_view cause) {
    return fail(Code::invalid, "read schema: ", keyword, ": ", cause);
}

Result<void> check_type(const bj::value& value) {
    constexpr std::array<std::string_view, 6> kTypes = {"object",  "array",  "string",
                                                        "integer", "number", "boolean"};
    if (const auto* name = value.if_string();
        name != nullptr && std::find(kTypes.begin(), kTypes.end(), plain(*name)) != kTypes.end())
        return {};
    return bad("type", "must be object, array, string, integer, number or boolean");
}

Result<void> check_pattern(const bj::value& value) {
    if (!value.is_string()) return bad("pattern", "must be a string");
    try {
        std::regex(value.get_string().c_str(), std::regex::ECMAScript);
    } catch (const std::regex_error& error) {
        return bad("pattern", error.what());
    }
    return {};
}

Result<void> check_properties(const bj::value& value) {
    if (!value.is_object()) return bad("properties", "must be an object");
    for (const auto& property : value.get_object()) {
        if (!property.value().is_object()) return bad(plain(property.key()), "must be an object");
        TRY(check_schema(property.value().get_object()).context(plain(property.key())));
    }
    return {};
}

Result<void> check_required(const bj::value& value) {
    const auto* names = value.if_array();
    if (names != nullptr &&
        std::all_of(names->begin(), names->end(), [](const bj::value& n) { return n.is_string(); }))
        return {};
    return bad("required", "must be an array of strings");
}

Result<void> check_keyword(std::string_view keyword, const bj::value& value) {
    constexpr std::array<std::string_view, 9> kSilent = {"title",   "description", "examples",
                                                         "$schema", "$comment",    "default",
                                                         "const",   "$id",         "deprecated"};
    constexpr std::array<std::string_view, 6> kNumbers = {"minimum",   "maximum",  "minLength",
                                                          "maxLength", "minItems", "maxItems"};
    if (std::find(kSilent.begin(), kSilent.end(), keyword) != kSilent.end()) return {};
    if (std::find(kNumbers.begin(), kNumbers.end(), keyword) != kNumbers.end()) {
        if (value.is_number()) return {};
        return bad(keyword, "must be a number");
    }
    if (keyword == "type") return check_type(value);
    if (keyword == "pattern") return check_pattern(value);
    if (keyword == "properties") return check_properties(value);
    if (keyword == "required") return check_required(value);
    if (keyword == "enum") {
        if (value.is_array() && !value.get_array().empty()) return {};
        return bad(keyword, "must be an array with at least one value");
    }
    if (keyword == "items" || keyword == "additionalProperties") {
        if (value.is_object()) return check_schema(value.get_object()).context(keyword);
        if (keyword == "additionalProperties" && value.is_bool()) return {};
        return bad(keyword, "must be a schema");
    }
    return bad(keyword, "is not a keyword that Davit knows");
}

// ---- a value against it
// -----------------------------------------------------------------------------------------

class Check {
public:
    std::optional<Violation> run(const bj::object& schema, bj::value& value) {
        visit(schema, value, "");
        return std::move(found_);
    }

private:
    void violate(std::string path, std::string cause) {
        if (!found_) found_ = Violation{std::move(path), std::move(cause)};
    }

    void visit(const bj::object& schema, bj::value& value, const std::string& path) {
        if (!right_type(schema, value)) {
            const auto type = plain(schema.at("type").get_string());
            const auto article =
                type == "object" || type == "array" || type == "integer" ? "an " : "a ";
            return violate(path, "expected " + (article + std::string(type)) + ", found " +
                                     std::string(json::kind_name(value)));
        }
        check_values(schema, value, path);
        if (value.is_string()) check_text(schema, value.get_string(), path);
        if (value.is_number()) check_number(schema, value.to_number<double>(), path);
        if (value.is_array()) visit_items(schema, value.get_array(), path);
        if (value.is_object()) visit_members(schema, value.get_object(), path);
    }

    static bool right_type(const bj::object& schema, const bj::value& value) {
        const auto* type = schema.if_contains("type");
        if (type == nullptr) return true;
        const auto name = plain(type->get_string());
        if (name == "object") return value.is_object();
        if (name == "array") return value.is_array();
        if (name == "string") return value.is_string();
        if (name == "boolean") return value.is_bool();
        if (name == "integer") return value.is_int64() || value.is_uint64();
        return value.is_number();
    }

    void check_values(const bj::object& schema, const bj::value& value, const std::string& path) {
        if (const auto* only = schema.if_contains("const"); only != nullptr && *only != value)
            violate(path, "must be " + bj::serialize(*only));
        const auto* allowed = schema.if_contains("enum");
        if (allowed == nullptr) return;
        const auto& choices = allowed->get_array();
        if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
        std::string list;
        std::vector<std::string> names;
        for (const auto& choice : choices) {
            list += (list.empty() ? "" : ", ") + bj::serialize(choice);
            if (choice.is_string()) names.emplace_back(plain(choice.get_string()));
        }
        std::string near = value.is_string() ? suggestion(plain(value.get_string()), names) : "";
        violate(path, bj::serialize(value) + " is not one of " + list + near);
    }

    void check_text(const bj::object& schema, const bj::string& text, const std::string& path) {
        limit(schema, "minLength", "maxLength", static_cast<double>(text.size()), path,
              " bytes long");
        const auto* pattern = schema.if_contains("pattern");
        if (pattern == nullptr) return;
        const std::regex expression(pattern->get_string().c_str(), std::regex::ECMAScript);
        if (std::regex_search(text.begin(), text.end(), expression)) return;
        const bool is_path = *pattern == "^/";
        violate(path, bj::serialize(text) +
                          (is_path ? " is not an absolute path"
                                   : " does not match " + std::string(pattern->get_string())));
    }

    void check_number(const bj::object& schema, double number, const std::string& path) {
        limit(schema, "minimum", "maximum", number, path, "");
    }

    void limit(const bj::object& schema, std::string_view low, std::string_view high, double number,
               const std::string& path, std::string_view unit) {
        if (const auto* bound = schema.if_contains(boosted(low));
            bound != nullptr && number < bound->to_number<double>())
            violate(path, "must be at least " + bj::serialize(*bound) + std::string(unit));
        if (const auto* bound = schema.if_contains(boosted(high));
            bound != nullptr && number > bound->to_number<double>())
            violate(path, "must be at most " + bj::serialize(*bound) + std::string(unit));
    }

    void visit_items(const bj::object& schema, bj::array& array, const std::string& path) {
        limit(schema, "minItems", "maxItems", static_cast<double>(array.size()), path,
              " items long");
        const auto* items = schema.if_contains("items");
        if (items == nullptr) return;
        for (std::size_t i = 0; i < array.size(); ++i)
            visit(items->get_object(), array[i], path + "[" + std::to_string(i) + "]");
    }

    void visit_members(const bj::object& schema, bj::object& object, const std::string& path) {
        static const bj::object kNone;
        const auto* listed = schema.if_contains("properties");
        const bj::object& properties = listed == nullptr ? kNone : listed->get_object();
        fill_defaults(properties, object);
        if (const auto* required = schema.if_contains("required"))
            for (const auto& name : required->get_array())
                if (!object.contains(name.get_string()))
                    violate(below(path, plain(name.get_string())), "it is missing");
        for (auto& member : object)
            visit_member(schema, properties, member.key(), member.value(), path);
    }

    static void fill_defaults(const bj::object& properties, bj::object& object) {
        for (const auto& property : properties) {
            const auto* fallback = property.value().get_object().if_contains("default");
            if (fallback != nullptr && !object.contains(property.key()))
                object.emplace(property.key(), *fallback);
        }
    }

    void visit_member(const bj::object& schema, const bj::object& properties, bj::string_view name,
                      bj::value& value, const std::string& path) {
        const auto here = below(path, plain(name));
        if (const auto* property = properties.if_contains(name))
            return visit(property->get_object(), value, here);
        const auto* others = schema.if_contains("additionalProperties");
        if (others != nullptr && others->is_object())
            return visit(others->get_object(), value, here);
        if (others != nullptr && others->get_bool()) return;
        std::vector<std::string> known;
        for (const auto& property : properties) known.emplace_back(plain(property.key()));
        violate(here, "unknown key" + suggestion(plain(name), known));
    }

    static std::string below(const std::string& path, std::string_view name) {
        return path.empty() ? std::string(name) : path + "." + std::string(name);
    }

    std::optional<Violation> found_;
};

// How many letters to insert, remove or replace to make `a` from `b` (Levenshtein), one row at a
// time.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

Result<void> check_schema(const boost::json::object& schema) {
    for (const auto& keyword : schema) TRY(check_keyword(plain(keyword.key()), keyword.value()));
    return {};
}

std::optional<Violation> apply_schema(const boost::json::object& schema,
                                      boost::json::object& object) {
    bj::value value = std::move(object);
    auto found = Check().run(schema, value);
    object = std::move(value.get_object());
    return found;
}

Result<void> apply_schema(const boost::json::object& schema, boost::json::object& value,
                          std::string_view what) {
    const auto found = apply_schema(schema, value);
    if (!found) return {};
    return fail(Code::invalid, "check ", what, ": ", found->path, found->path.empty() ? "" : ": ",
                found->cause);
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
    constexpr std::size_t kLongestTypo = 64;  // longer names are not typed by people
    if (name.size() > kLongestTypo) return {};
    std::string best;
    std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (const auto& candidate : candidates)
        if (const auto steps = distance(name, candidate);
            steps < least && steps < candidate.size()) {
            least = steps;
            best = candidate;
        }
    return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
    const auto near = nearest(name, candidates);
    return near.empty() ? "" : " (did you mean \"" + near + "\"?)";
}

}  // namespace davit::plugin
