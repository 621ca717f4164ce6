// SPDX-License-Identifier: Apache-2.0
#include "core/image/image_json.hpp"

#include "core/image/timestamp.hpp"
#include "sdk/base/json.hpp"

#include <fnmatch.h>
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <set>

namespace davit::image {

using boost::json::array;
using boost::json::object;
using boost::json::value;

namespace {

constexpr std::int64_t kSecond = 1000000000;
constexpr std::string_view kNever = "0001-01-01T00:00:00Z";  // Go's zero time

// What an image configuration says about containers, in the API's order.
constexpr std::string_view kConfigMembers[] = {
    "User",   "ExposedPorts", "Env",         "Entrypoint",  "Cmd",     "Volumes", "WorkingDir",
    "Labels", "StopSignal",   "ArgsEscaped", "Healthcheck", "OnBuild", "Shell",
};

bool says_nothing(const value& member) {
    if (member.is_null()) return true;
    if (const auto* text = member.if_string()) return text->empty();
    if (const auto* list = member.if_array()) return list->empty();
    if (const auto* members = member.if_object()) return members->empty();
    return member.is_bool() && !member.get_bool();
}

object container_config(const object& config) {
    object result;
    const value* from = json::find(config, "config");
    if (from == nullptr || !from->is_object()) return result;
    for (const std::string_view name : kConfigMembers)
        if (const value* member = json::find(from->get_object(), name);
            member != nullptr && !says_nothing(*member))
            result[name] = *member;
    // Texts that docker shows even when they are empty.
    for (const std::string_view name : {"User", "WorkingDir"})
        if (!result.contains(name)) result[name] = "";
    return result;
}

std::string text_of(const object& config, std::string_view name) {
    return json::get_string(config, name, "").value_or("");
}

// The comment of the last step, where the image itself has none.
std::string comment_of(const object& config) {
    const std::string own = text_of(config, "comment");
    const value* history = json::find(config, "history");
    if (!own.empty() || history == nullptr || !history->is_array() || history->get_array().empty())
        return own;
    const value& last = history->get_array().back();
    return last.is_object() ? text_of(last.get_object(), "comment") : own;
}

object root_of(const object& config) {
    object root{{"Type", "layers"}};
    const value* from = json::find(config, "rootfs");
    if (from == nullptr || !from->is_object()) return root;
    if (const value* layers = json::find(from->get_object(), "diff_ids")) root["Layers"] = *layers;
    return root;
}

array texts(const std::vector<std::string>& from) { return array(from.begin(), from.end()); }

Result<object> read_config(ImageStore& store, const std::string& id) {
    return json::parse_object(TRY(store.config(id)), "image config", {.bytes = kConfigMax});
}

}  // namespace

Result<object> inspect(ImageStore& store, const std::string& id) {
    const ImageRecord record = TRY(store.get(id));
    const object config = TRY(read_config(store, id));
    object result{
        {"Id", record.id},
        {"RepoTags", texts(record.tags)},
        {"RepoDigests", texts(record.digests)},
        {"Parent", record.parent},
        {"Comment", comment_of(config)},
        {"DockerVersion", text_of(config, "docker_version")},
        {"Author", text_of(config, "author")},
        {"Config", container_config(config)},
        {"Architecture", text_of(config, "architecture")},
        {"Os", text_of(config, "os")},
        {"Size", record.bytes},
        {"GraphDriver", object{{"Name", TRY(store.storage_driver(id))}, {"Data", object()}}},
        {"RootFS", root_of(config)},
        {"Metadata", object{{"LastTagTime", record.tagged == 0 ? std::string(kNever)
                                                               : format_time(record.tagged)}}}};
    for (const auto& [name, from] :
         {std::pair{"Created", "created"}, {"Variant", "variant"}, {"OsVersion", "os.version"}})
        if (const std::string text = text_of(config, from); !text.empty()) result[name] = text;
    return result;
}

namespace {

struct Candidate {
    ImageRecord record;
    object labels;
};

object labels_of(const object& config) {
    const value* from = json::find(config, "config");
    const value* labels =
        from == nullptr || !from->is_object() ? nullptr : json::find(from->get_object(), "Labels");
    return labels != nullptr && labels->is_object() ? labels->get_object() : object();
}

// "key" or "key=value".
bool has_label(const object& labels, std::string_view wanted) {
    const std::size_t equals = wanted.find('=');
    const value* found = json::find(labels, wanted.substr(0, equals));
    if (found == nullptr) return false;
    return equals == std::string_view::npos ||
           (found->is_string() && found->get_string() == wanted.substr(equals + 1));
}

bool matches(const std::string& pattern, const std::string& name) {
    if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0) return true;
    // A digest holds a colon itself.
    const std::size_t digest = name.find('@');
    const std::string repository =
        name.substr(0, digest != std::string::npos ? digest : name.rfind(':'));
    return ::fnmatch(pattern.c_str(), repository.c_str(), FNM_PATHNAME) == 0;
}

Result<bool> read_flag(const std::string& text) {
    if (text == "true" || text == "1" || text == "True") return true;
    if (text == "false" || text == "0" || text == "False") return false;
    return fail(Code::invalid, "invalid filter 'dangling=", text, "'");
}

// Seconds since 1970 or RFC 3339: what clients make of "10m".
Result<std::int64_t> read_moment(const std::string& text) {
    if (const auto moment = parse_time(text)) return *moment;
    double seconds = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (fault != std::errc{} || end != text.data() + text.size() || seconds > 9e9 || seconds < 0)
        return fail(Code::invalid, "invalid filter 'until=", text, "'");
    return static_cast<std::int64_t>(seconds * static_cast<double>(kSecond));
}

using Values = std::vector<std::string>;

void keep_names(ImageRecord& record, const Values& patterns) {
    const auto unwanted = [&](const std::string& name) {
        return std::none_of(patterns.begin(), patterns.end(),
                            [&](const std::string& pattern) { return matches(pattern, name); });
    };
    std::erase_if(record.tags, unwanted);
    std::erase_if(record.digests, unwanted);
}

// Whether this filter keeps the image; `reference` also takes the names away that it does not mean.
Result<bool> keeps(ImageStore& store, Candidate& image, const std::string& filter,
                   const Values& values) {
    ImageRecord& record = image.record;
    if (filter == "label")
        return std::all_of(values.begin(), values.end(), [&](const std::string& label) {
            return has_label(image.labels, label);
        });
    if (filter == "reference") {
        keep_names(record, values);
        return !record.tags.empty() || !record.digests.empty();
    }
    for (const std::string& wanted : values) {
        if (filter == "dangling" && TRY(read_flag(wanted)) != record.tags.empty()) return false;
        if (filter == "until" && record.created >= TRY(read_moment(wanted))) return false;
        if (filter != "before" && filter != "since") continue;
        const std::int64_t other = TRY(store.get(TRY(store.resolve(wanted)))).created;
        if (filter == "before" ? record.created >= other : record.created <= other) return false;
    }
    return true;
}

Result<void> check_filters(const ListOptions& options) {
    static const std::set<std::string> kKnown = {"dangling", "label", "before",
                                                 "since",    "until", "reference"};
    for (const auto& [name, values] : options.filters)
        if (!kKnown.contains(name)) return fail(Code::invalid, "invalid filter '", name, "'");
    return {};
}

object summary(const Candidate& image) {
    const ImageRecord& record = image.record;
    return {{"Id", record.id},
            {"ParentId", record.parent},
            {"RepoTags", texts(record.tags)},
            {"RepoDigests", texts(record.digests)},
            {"Created", record.created / kSecond},
            {"Size", record.bytes},
            {"SharedSize", -1},
            {"Labels", image.labels.empty() ? value(nullptr) : value(image.labels)},
            {"Containers", -1}};
}

}  // namespace

Result<array> list(ImageStore& store, const ListOptions& options) {
    TRY(check_filters(options));
    const auto records = TRY(store.list());
    std::set<std::string> parents;
    for (const ImageRecord& record : records) parents.insert(record.parent);
    array result;
    for (const ImageRecord& record : records) {
        if (!options.all && record.tags.empty() && parents.contains(record.id)) continue;
        Candidate image{record, labels_of(TRY(read_config(store, record.id)))};
        bool kept = true;
        for (const auto& [name, values] : options.filters)
            kept = kept && TRY(keeps(store, image, name, values));
        if (kept) result.push_back(summary(image));
    }
    return result;
}

array removed(const Removed& from) {
    array result;
    for (const std::string& name : from.untagged) result.push_back(object{{"Untagged", name}});
    for (const std::string& id : from.deleted) result.push_back(object{{"Deleted", id}});
    return result;
}

}  // namespace davit::image
