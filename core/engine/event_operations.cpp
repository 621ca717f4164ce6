// SPDX-License-Identifier: Apache-2.0
#include "core/container/log_line.hpp"
#include "core/engine/engine.hpp"
#include "core/job/filters.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

namespace davit::engine {

namespace {

namespace bj = boost::json;

constexpr std::int64_t kSecond = 1'000'000'000;

bool label_matches(const event::Event& event, const std::string& wanted) {
    const std::size_t equals = wanted.find('=');
    const auto found = event.attributes.find(wanted.substr(0, equals));
    return found != event.attributes.end() &&
           (equals == std::string::npos || found->second == wanted.substr(equals + 1));
}

// An object's id, the beginning of it, or its name.
bool names_object(const event::Event& event, const std::string& type, const std::string& wanted) {
    if (event.type != type) return false;
    const auto name = event.attributes.find("name");
    return event.id.starts_with(wanted) ||
           (name != event.attributes.end() && name->second == wanted);
}

bool matches_one(const event::Event& event, const std::string& key, const std::string& wanted) {
    if (key == "type") return event.type == wanted;
    if (key == "event") return event.action == wanted || event.action.starts_with(wanted + ":");
    if (key == "label") return label_matches(event, wanted);
    if (key == "image") {
        const auto image = event.attributes.find("image");
        return names_object(event, "image", wanted) ||
               (image != event.attributes.end() && image->second == wanted);
    }
    return names_object(event, key, wanted);
}

bool matches(const job::FilterValues& filters, const event::Event& event) {
    return std::all_of(filters.begin(), filters.end(), [&](const auto& filter) {
        return std::any_of(
            filter.second.begin(), filter.second.end(),
            [&](const std::string& wanted) { return matches_one(event, filter.first, wanted); });
    });
}

bj::object event_json(const event::Event& event) {
    bj::object attributes;
    for (const auto& [key, value] : event.attributes) attributes[key] = value;
    bj::object object{
        {"Type", event.type},
        {"Action", event.action},
        {"Actor", bj::object{{"ID", event.id}, {"Attributes", std::move(attributes)}}},
        {"scope", "local"},
        {"time", event.time_ns / kSecond},
        {"timeNano", event.time_ns}};
    // What clients before API 1.22 read, and many still do.
    if (event.type == "container" || event.type == "image") {
        object["status"] = event.action;
        object["id"] = event.id;
        if (const auto image = event.attributes.find("image"); image != event.attributes.end())
            object["from"] = image->second;
    }
    return object;
}

}  // namespace

Result<std::int64_t> time_argument(const job::Job& job, std::string_view name) {
    const std::string text = job.argument(name);
    if (text.empty() || text == "0") return std::int64_t{0};
    if (const auto time = container::parse_time(text)) return *time;
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size())
        return fail(Code::invalid, "read ", name, ": '", text, "' is no time");
    const auto dot = text.find('.');
    const std::int64_t whole = std::atoll(text.c_str());
    std::string digits = dot == std::string::npos ? "" : text.substr(dot + 1, 9);
    digits.resize(9, '0');
    return whole * 1'000'000'000 + std::atoll(digits.c_str());
}

Result<void> follow_events(Engine& engine, const job::Request& request, Cancel& cancel,
                           const job::Job::Emit& emit) {
    job::Job job(request, nullptr, emit);
    const job::FilterValues filters = TRY(job::parse_filters(job.argument("filters")));
    event::Bus::Range range{.since_ns = TRY(time_argument(job, "since")),
                            .until_ns = TRY(time_argument(job, "until"))};
    // since=0 is the beginning of time, and so is the silence of a client that names only an end.
    if (range.since_ns == 0 && (!job.argument("since").empty() || range.until_ns != 0))
        range.since_ns = 1;
    TRY(job.started());
    const Cancel::Subscription wake(cancel, [&] { engine.events().interrupt(); });
    return engine.events().follow(range, cancel, [&](const event::Event& event) -> Result<void> {
        if (!matches(filters, event)) return {};
        return job.progress(event_json(event));
    });
}

}  // namespace davit::engine
