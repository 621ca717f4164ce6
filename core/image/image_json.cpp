// SPDX-License-Identifier: Apache-2.0
#include "core/image/image_json.hpp"

#include "core/image/timestamp.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>
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

constexpr std::string_view kListFilters[] = {"dangling", "label", "before",
                                             "since",    "until", "reference"};

value labels_json(const std::map<std::string, std::string>& labels) {
    if (labels.empty()) return nullptr;
    object members;
    for (const auto& [key, label] : labels) members[key] = label;
    return members;
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
            {"Labels", labels_json(image.labels)},
            {"Containers", -1}};
}

}  // namespace

Result<array> list(ImageStore& store, const ListOptions& options) {
    TRY(check_filters(options.filters, kListFilters));
    const auto records = TRY(store.list());
    std::set<std::string> parents;
    for (const ImageRecord& record : records) parents.insert(record.parent);
    array result;
    for (const ImageRecord& record : records) {
        if (!options.all && record.tags.empty() && parents.contains(record.id)) continue;
        Candidate image = TRY(candidate(store, record));
        if (!TRY(keeps(store, image, options.filters))) continue;
        result.push_back(summary(image));
        if (options.shared_sizes)
            result.back().get_object()["SharedSize"] = TRY(store.shared_bytes(record.id));
    }
    return result;
}

array removed(const Removed& from) {
    array result;
    for (const std::string& name : from.untagged) result.push_back(object{{"Untagged", name}});
    for (const auto* gone : {&from.deleted, &from.layers})
        for (const std::string& id : *gone) result.push_back(object{{"Deleted", id}});
    return result;
}

}  // namespace davit::image
