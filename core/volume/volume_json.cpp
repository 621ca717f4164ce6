// SPDX-License-Identifier: Apache-2.0
#include "core/volume/volume_json.hpp"

#include "core/job/filters.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ctime>

namespace davit::volume {

namespace {

namespace bj = boost::json;
using Values = std::vector<std::string>;

// Docker shows whole seconds of a volume.
std::string created_text(std::int64_t ns) {
    const std::time_t seconds = ns / 1'000'000'000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

bj::value pairs_json(const Pairs& pairs) {
    if (pairs.empty()) return nullptr;
    bj::object object;
    for (const auto& [key, value] : pairs) object[key] = value;
    return object;
}

Result<Pairs> read_pairs(const bj::object& body, std::string_view key) {
    Pairs pairs;
    const auto* found = TRY(json::get_object(body, key));
    if (found == nullptr) return pairs;
    for (const auto& [name, value] : *found) {
        if (!value.is_string())
            return fail(Code::invalid, "create volume: ", key, ".", name, ": expected a string");
        pairs.emplace(name, std::string(value.get_string()));
    }
    return pairs;
}

bool has_label(const Volume& volume, const std::string& wanted) {
    const std::size_t equals = wanted.find('=');
    const auto found = volume.labels.find(wanted.substr(0, equals));
    if (found == volume.labels.end()) return false;
    return equals == std::string::npos || found->second == wanted.substr(equals + 1);
}

Result<bool> truth_of(const Values& values, const char* filter) {
    bool truth = false;
    for (const std::string& value : values) {
        truth = value == "1" || value == "true" || value == "True" || value == "TRUE";
        if (!truth && value != "0" && value != "false" && value != "False" && value != "FALSE")
            return fail(Code::invalid, "invalid filter '", filter, "=[", value, "]'");
    }
    return truth;
}

bool any(const Values& values, const auto& matches) {
    return std::any_of(values.begin(), values.end(), matches);
}
bool all(const Values& values, const auto& matches) {
    return std::all_of(values.begin(), values.end(), matches);
}

Result<bool> passes(const Volumes& volumes, const Volume& volume,
                    const job::FilterValues& filters) {
    for (const auto& [key, values] : filters) {
        bool good = true;
        if (key == "name")
            good = any(values, [&](const auto& part) {
                return volume.name.find(part) != std::string::npos;
            });
        else if (key == "label")
            good = all(values, [&](const auto& label) { return has_label(volume, label); });
        else if (key == "label!")
            good = !any(values, [&](const auto& label) { return has_label(volume, label); });
        else if (key == "driver")
            good = any(values, [](const auto& driver) { return driver == kLocalDriver; });
        else if (key == "dangling")
            good = TRY(truth_of(values, "dangling")) == volumes.users_of(volume.name).empty();
        if (!good) return false;
    }
    return true;
}

Result<job::FilterValues> read_filters(const std::string& text,
                                       std::initializer_list<std::string_view> known) {
    auto filters = TRY(job::parse_filters(text));
    for (const auto& [key, values] : filters)
        if (std::find(known.begin(), known.end(), key) == known.end())
            return fail(Code::invalid, "invalid filter '", key, "'");
    return filters;
}

}  // namespace

bj::object volume_json(const Volumes& volumes, const Volume& volume) {
    return {{"CreatedAt", created_text(volume.created_ns)},
            {"Driver", kLocalDriver},
            {"Labels", pairs_json(volume.labels)},
            {"Mountpoint", mountpoint(volumes.path(), volume.name)},
            {"Name", volume.name},
            {"Options", pairs_json(volume.options)},
            {"Scope", "local"}};
}

Result<bj::object> volume_json_with_usage(const Volumes& volumes, const Volume& volume) {
    bj::object object = volume_json(volumes, volume);
    object["UsageData"] = bj::object{{"Size", TRY(volumes.size(volume.name))},
                                     {"RefCount", volumes.users_of(volume.name).size()}};
    return object;
}

Result<Wanted> parse_wanted(std::string_view body) {
    if (body.empty()) return Wanted{};
    const bj::object object = TRY(json::parse_object(body, "volume"));
    if (const bj::value* cluster = json::find(object, "ClusterVolumeSpec");
        cluster != nullptr && !cluster->is_null())
        return fail(Code::unsupported, "create volume: ClusterVolumeSpec is not supported");
    return Wanted{.name = TRY(json::get_string(object, "Name", "")),
                  .driver = TRY(json::get_string(object, "Driver", "")),
                  .labels = TRY(read_pairs(object, "Labels")),
                  .options = TRY(read_pairs(object, "DriverOpts"))};
}

Result<std::vector<Volume>> filtered(const Volumes& volumes, const std::string& text) {
    const auto filters = TRY(read_filters(text, {"name", "label", "driver", "dangling"}));
    std::vector<Volume> found;
    for (Volume& volume : volumes.list())
        if (TRY(passes(volumes, volume, filters))) found.push_back(std::move(volume));
    return found;
}

Result<Pruned> prune(Volumes& volumes, const std::string& text) {
    auto filters = TRY(read_filters(text, {"label", "label!", "all"}));
    const bool named_too = TRY(truth_of(filters["all"], "all"));
    Pruned pruned;
    for (const Volume& volume : volumes.list()) {
        if (!volume.anonymous && !named_too) continue;
        if (!TRY(passes(volumes, volume, filters)) || !volumes.users_of(volume.name).empty())
            continue;
        const auto bytes = volumes.size(volume.name);
        const auto removed = volumes.remove(volume.name);
        if (!removed && removed.error().code == Code::conflict) continue;  // used by now
        if (!removed && removed.error().code == Code::not_found) continue;
        if (!removed) return removed.error();
        pruned.names.push_back(volume.name);
        if (bytes) pruned.bytes += *bytes;
    }
    return pruned;
}

}  // namespace davit::volume
