// SPDX-License-Identifier: Apache-2.0
// Networks as the API shows them, and the filters of their list.
#include "core/job/filters.hpp"
#include "core/network/builtin.hpp"
#include "core/network/networks.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <ctime>

namespace davit::network {

namespace {

namespace bj = boost::json;

constexpr std::array<std::string_view, 7> kFilters = {"dangling", "driver", "id",  "label",
                                                      "name",     "scope",  "type"};

std::string format_time(std::int64_t ns) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::time_t seconds = ns / kSecond;
    std::tm broken{};
    ::gmtime_r(&seconds, &broken);
    char text[32];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &broken);
    char fraction[16];
    std::snprintf(fraction, sizeof fraction, ".%09dZ", static_cast<int>(ns % kSecond));
    return std::string(text, length) + fraction;
}

bj::object object_of(const std::map<std::string, std::string>& map) {
    bj::object object;
    for (const auto& [key, value] : map) object[key] = value;
    return object;
}

void show_subnet(const Subnet& subnet, bj::array& pools) {
    if (subnet.subnet.family == 0) return;
    bj::object pool{{"Subnet", sdk::prefix_text(subnet.subnet)}};
    if (subnet.range) pool["IPRange"] = sdk::prefix_text(*subnet.range);
    if (subnet.gateway.family != 0) pool["Gateway"] = sdk::address_text(subnet.gateway);
    if (!subnet.reserved.empty()) {
        bj::object reserved;
        for (const auto& [name, address] : subnet.reserved)
            reserved[name] = sdk::address_text(address);
        pool["AuxiliaryAddresses"] = std::move(reserved);
    }
    pools.push_back(std::move(pool));
}

bj::object ipam_json(const NetworkRecord& record) {
    bj::array pools;
    show_subnet(record.four, pools);
    show_subnet(record.six, pools);
    return {{"Driver", "default"},
            {"Options", record.is_default ? bj::value(nullptr) : bj::value(bj::object())},
            {"Config", std::move(pools)}};
}

std::string with_prefix(const std::string& address, int prefix) {
    return address.empty() ? "" : address + "/" + std::to_string(prefix);
}

// The members that every network has.
bj::object plain(std::string_view name, std::string_view id, std::string_view driver,
                 bj::object ipam) {
    return {{"Name", name},
            {"Id", id},
            {"Created", "0001-01-01T00:00:00Z"},
            {"Scope", "local"},
            {"Driver", driver},
            {"EnableIPv4", true},
            {"EnableIPv6", false},
            {"IPAM", std::move(ipam)},
            {"Internal", false},
            {"Attachable", false},
            {"Ingress", false},
            {"ConfigFrom", bj::object{{"Network", ""}}},
            {"ConfigOnly", false},
            {"Containers", bj::object()},
            {"Options", bj::object()},
            {"Labels", bj::object()}};
}

bj::object shown_builtin(const Builtin& builtin) {
    return plain(builtin.name, builtin.id, builtin.driver,
                 {{"Driver", "default"}, {"Options", nullptr}, {"Config", bj::array()}});
}

// What filters look at, of a record or of a builtin.
struct Facts {
    std::string_view name, id, driver;
    bool custom = false, in_use = false;
    const std::map<std::string, std::string>& labels;
};

bool is_true(const std::string& word) { return word == "1" || word == "true" || word == "True"; }

bool matches_one(const Facts& facts, const std::string& key, const std::string& wanted) {
    if (key == "name") return facts.name.find(wanted) != std::string_view::npos;
    if (key == "id") return facts.id.starts_with(wanted);
    if (key == "driver") return facts.driver == wanted;
    if (key == "scope") return wanted == "local";
    if (key == "type") return facts.custom == (wanted == "custom");
    if (key == "dangling") return (facts.custom && !facts.in_use) == is_true(wanted);
    const std::size_t equals = wanted.find('=');
    const auto label = facts.labels.find(wanted.substr(0, equals));
    return label != facts.labels.end() &&
           (equals == std::string::npos || label->second == wanted.substr(equals + 1));
}

bool matches(const job::FilterValues& filters, const Facts& facts) {
    return std::all_of(filters.begin(), filters.end(), [&](const auto& filter) {
        const auto one = [&](const std::string& wanted) {
            return matches_one(facts, filter.first, wanted);
        };
        if (filter.second.empty()) return true;
        return filter.first == "label"
                   ? std::all_of(filter.second.begin(), filter.second.end(), one)
                   : std::any_of(filter.second.begin(), filter.second.end(), one);
    });
}

Result<job::FilterValues> parse_list_filters(const std::string& text) {
    job::FilterValues filters = TRY(job::parse_filters(text));
    for (const auto& [key, values] : filters) {
        if (std::find(kFilters.begin(), kFilters.end(), key) == kFilters.end())
            return fail(Code::invalid, "invalid filter '", key, "'");
        if (key != "type") continue;
        for (const std::string& type : values)
            if (type != "custom" && type != "builtin")
                return fail(Code::invalid, "invalid filter: 'type'='", type, "'");
    }
    return filters;
}

}  // namespace

bj::object Networks::shown(const Live& live, bool with_containers) const {
    const NetworkRecord& record = *live.record;
    bj::object object =
        plain(record.name, record.id, record.instance.empty() ? kDefaultName : record.instance,
              ipam_json(record));
    object["Created"] = format_time(record.created_ns);
    object["EnableIPv4"] = record.four.subnet.family != 0 || !live.in_graph;
    object["EnableIPv6"] = record.six.subnet.family != 0;
    object["Internal"] = record.internal;
    object["Attachable"] = record.attachable;
    object["Options"] = object_of(record.options);
    object["Labels"] = object_of(record.labels);
    if (!with_containers) return object;
    bj::object& containers = object["Containers"].get_object();
    for (const auto& [id, endpoint] : live.endpoints)
        containers[endpoint->container] =
            bj::object{{"Name", endpoint->names.empty() ? "" : endpoint->names.front()},
                       {"EndpointID", id},
                       {"MacAddress", endpoint->mac},
                       {"IPv4Address", with_prefix(endpoint->address, endpoint->prefix)},
                       {"IPv6Address", with_prefix(endpoint->address6, endpoint->prefix6)}};
    return object;
}

Result<bj::array> Networks::list(const std::string& text) const {
    const job::FilterValues filters = TRY(parse_list_filters(text));
    static const std::map<std::string, std::string> kNoLabels;
    bj::array entries;
    std::vector<const Live*> all;
    std::lock_guard lock(mutex_);
    for (const auto& [id, live] : networks_)
        if (!live.removing) all.push_back(&live);
    std::sort(all.begin(), all.end(), [](const Live* a, const Live* b) {
        return a->record->created_ns < b->record->created_ns;
    });
    for (const Live* live : all) {
        const NetworkRecord& record = *live->record;
        const std::string_view driver =
            record.instance.empty() ? std::string_view(kDefaultName) : record.instance;
        if (matches(filters, {record.name, record.id, driver, !record.is_default,
                              !live->endpoints.empty(), record.labels}))
            entries.push_back(shown(*live, false));
    }
    for (const Builtin& builtin : kBuiltins)
        if (matches(filters, {builtin.name, builtin.id, builtin.driver, false, false, kNoLabels}))
            entries.push_back(shown_builtin(builtin));
    return entries;
}

Result<bj::object> Networks::inspect(const std::string& reference) const {
    if (const Builtin* builtin = find_builtin(reference)) return shown_builtin(*builtin);
    std::lock_guard lock(mutex_);
    return shown(*TRY(find_live(reference)), true);
}

}  // namespace davit::network
