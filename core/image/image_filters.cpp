// SPDX-License-Identifier: Apache-2.0
#include "core/image/image_filters.hpp"

#include "core/image/timestamp.hpp"
#include "sdk/base/json.hpp"

#include <fnmatch.h>
#include <algorithm>
#include <boost/json.hpp>

namespace davit::image {

using boost::json::object;

namespace {

using Values = std::vector<std::string>;

using Labels = std::map<std::string, std::string>;

Labels labels_of(const object& config) {
    Labels found;
    const auto inner = json::get_object(config, "config");
    const auto labels = inner && *inner != nullptr ? json::get_object(**inner, "Labels")
                                                   : Result<const object*>(nullptr);
    if (!labels || *labels == nullptr) return found;
    for (const auto& [key, label] : **labels)
        if (label.is_string()) found[std::string(key)] = std::string(label.get_string());
    return found;
}

// "key" or "key=value".
bool has_label(const Labels& labels, const std::string& wanted) {
    const std::size_t equals = wanted.find('=');
    const auto found = labels.find(wanted.substr(0, equals));
    return found != labels.end() &&
           (equals == std::string::npos || found->second == wanted.substr(equals + 1));
}

bool matches(const std::string& pattern, const std::string& name) {
    if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0) return true;
    // A digest holds a colon itself.
    const std::size_t digest = name.find('@');
    const std::string repository =
        name.substr(0, digest != std::string::npos ? digest : name.rfind(':'));
    return ::fnmatch(pattern.c_str(), repository.c_str(), FNM_PATHNAME) == 0;
}

void keep_names(ImageRecord& record, const Values& patterns) {
    const auto unwanted = [&](const std::string& name) {
        return std::none_of(patterns.begin(), patterns.end(),
                            [&](const std::string& pattern) { return matches(pattern, name); });
    };
    std::erase_if(record.tags, unwanted);
    std::erase_if(record.digests, unwanted);
}

Result<bool> keeps_by_value(ImageStore& store, const Candidate& image, const std::string& filter,
                            const std::string& wanted) {
    const ImageRecord& record = image.record;
    if (filter == "label") return has_label(image.labels, wanted);
    if (filter == "label!") return !has_label(image.labels, wanted);
    if (filter == "dangling") return TRY(read_flag(filter, wanted)) == record.tags.empty();
    if (filter == "until") {
        const auto moment = parse_moment(wanted, now());
        if (!moment) return fail(Code::invalid, "invalid filter 'until=", wanted, "'");
        return record.created < *moment;
    }
    const std::int64_t other = TRY(store.get(TRY(store.resolve(wanted)))).created;
    return filter == "before" ? record.created < other : record.created > other;
}

}  // namespace

Result<Candidate> candidate(ImageStore& store, ImageRecord record) {
    const object config = TRY(
        json::parse_object(TRY(store.config(record.id)), "image config", {.bytes = kConfigMax}));
    return Candidate{std::move(record), labels_of(config)};
}

Result<bool> read_flag(const std::string& filter, const std::string& text) {
    if (text == "true" || text == "1" || text == "True") return true;
    if (text == "false" || text == "0" || text == "False") return false;
    return fail(Code::invalid, "invalid filter '", filter, "=", text, "'");
}

Result<void> check_filters(const Filters& filters, std::span<const std::string_view> known) {
    for (const auto& [name, values] : filters)
        if (std::find(known.begin(), known.end(), name) == known.end())
            return fail(Code::invalid, "invalid filter '", name, "'");
    return {};
}

Result<bool> keeps(ImageStore& store, Candidate& image, const Filters& filters) {
    for (const auto& [filter, values] : filters) {
        if (filter == "reference") {
            keep_names(image.record, values);
            if (image.record.tags.empty() && image.record.digests.empty()) return false;
            continue;
        }
        for (const std::string& wanted : values)
            if (!TRY(keeps_by_value(store, image, filter, wanted))) return false;
    }
    return true;
}

}  // namespace davit::image
