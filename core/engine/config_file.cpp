// SPDX-License-Identifier: Apache-2.0
// daemon.json: from text to an object that obeys the schema, with the line of every mistake.
#include "core/engine/config_source.hpp"
#include "core/plugin/schema.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"

#include <fcntl.h>
#include <boost/json.hpp>

namespace davit::engine {
namespace {

constexpr std::size_t kFileMax = 1u << 20;  // people do not write longer ones

// The line of the member, or of the nearest one above it that the text has (a missing member has
// none).
std::string place_of(std::string path, const std::map<std::string, std::size_t>& lines) {
    for (;;) {
        if (const auto line = lines.find(path); line != lines.end())
            return "line " + std::to_string(line->second) + ": ";
        const auto cut = path.find_last_of(".[");
        if (cut == std::string::npos) return "";
        path.resize(cut);
    }
}

// Without "default", so that what the file does not say stays unsaid and flags may still say it.
boost::json::value without_defaults(const boost::json::value& schema) {
    if (const auto* array = schema.if_array()) {
        boost::json::array copy;
        for (const auto& element : *array) copy.push_back(without_defaults(element));
        return copy;
    }
    const auto* object = schema.if_object();
    if (object == nullptr) return schema;
    boost::json::object copy;
    for (const auto& member : *object) {
        const bool keyword = member.key() == "default" && !member.value().is_object();
        if (!keyword) copy.emplace(member.key(), without_defaults(member.value()));
    }
    return copy;
}

const boost::json::object& schema_without_defaults() {
    static const boost::json::object schema = without_defaults(config_schema()).as_object();
    return schema;
}

}  // namespace

Result<boost::json::object> parse_config(std::string_view text, std::string_view what) {
    auto object = TRY(json::parse_commented(text, what));
    const auto found = plugin::apply_schema(schema_without_defaults(), object);
    if (!found) return object;
    return fail(Code::invalid, "read ", what, ": ", place_of(found->path, json::member_lines(text)),
                found->path, found->path.empty() ? "" : ": ", found->cause);
}

Result<void> check_flags(const Flags& flags) {
    auto settings = *flags.settings;
    const auto found = plugin::apply_schema(schema_without_defaults(), settings);
    if (!found) return {};
    const auto key = found->path.substr(0, found->path.find_first_of(".["));
    const auto name = flags.given_as.find(key);
    return fail(Code::invalid,
                "read command line: ", name == flags.given_as.end() ? key : name->second,
                found->path.substr(key.size()), ": ", found->cause);
}

Result<boost::json::object> read_config_file(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return os_error("open " + path);
    const auto text = TRY(read_all(file.get(), kFileMax).context("read ", path));
    return parse_config(text, path);
}

// dockerd's words, so that what people find about the message helps them here too.
Result<void> check_conflicts(const boost::json::object& file, const Flags& flags,
                             std::string_view path) {
    std::map<std::string, boost::json::value> sorted;
    for (const auto& flag : *flags.settings) sorted.emplace(flag.key(), flag.value());
    std::string list;
    for (const auto& [key, given] : sorted) {
        const auto* value = file.if_contains(key);
        if (value == nullptr) continue;
        list += (list.empty() ? "" : ", ") + key +
                ": (from flag: " + boost::json::serialize(given) +
                ", from file: " + boost::json::serialize(*value) + ")";
    }
    if (list.empty()) return {};
    return fail(
        Code::invalid, "configure davitd with file ", path,
        ": the following directives are specified both as a flag and in the configuration file: ",
        list);
}

}  // namespace davit::engine
