// SPDX-License-Identifier: Apache-2.0
// Networks in the graph: rows in, rows out.
#include "core/network/network_record.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::network {

namespace {

namespace bj = boost::json;

bj::object object_of(const std::map<std::string, std::string>& map) {
    bj::object object;
    for (const auto& [key, value] : map) object[key] = value;
    return object;
}

bj::object subnet_json(const Subnet& subnet) {
    bj::object reserved;
    for (const auto& [name, address] : subnet.reserved) reserved[name] = sdk::address_text(address);
    bj::object object{{"chosen", subnet.chosen}, {"reserved", std::move(reserved)}};
    if (subnet.range) object["range"] = sdk::prefix_text(*subnet.range);
    return object;
}

std::string config_text(const NetworkRecord& record) {
    return bj::serialize(bj::object{{"internal", record.internal},
                                    {"attachable", record.attachable},
                                    {"default", record.is_default},
                                    {"options", object_of(record.options)},
                                    {"labels", object_of(record.labels)},
                                    {"ipv4", subnet_json(record.four)},
                                    {"ipv6", subnet_json(record.six)}});
}

Result<std::map<std::string, std::string>> read_map(const bj::object& object, const char* key) {
    std::map<std::string, std::string> map;
    const auto* found = TRY(json::get_object(object, key));
    if (found == nullptr) return map;
    for (const auto& [name, value] : *found)
        if (value.is_string()) map.emplace(name, std::string(value.get_string()));
    return map;
}

Result<void> read_subnet(const bj::object& config, const char* key, Subnet& subnet) {
    const auto* object = TRY(json::get_object(config, key));
    if (object == nullptr) return {};
    subnet.chosen = TRY(json::get_bool(*object, "chosen", false));
    const std::string range = TRY(json::get_string(*object, "range", ""));
    if (!range.empty()) subnet.range = TRY(sdk::parse_prefix(range));
    for (const auto& [name, address] : TRY(read_map(*object, "reserved")))
        subnet.reserved.emplace(name, TRY(sdk::parse_prefix(address)));
    return {};
}

Result<sdk::Prefix> read_prefix(std::string_view text) {
    return text.empty() ? Result<sdk::Prefix>(sdk::Prefix{}) : sdk::parse_prefix(text);
}

std::string prefix_or_none(const sdk::Prefix& prefix) {
    return prefix.family == 0 ? "" : sdk::prefix_text(prefix);
}

Result<NetworkRecord> read_row(const store::Row& row) {
    NetworkRecord record{.id = row.text(0),
                         .name = row.text(1),
                         .instance = row.text(3),
                         .link = row.text(4),
                         .created_ns = row.integer(2)};
    record.four.subnet = TRY(read_prefix(row.view(5)));
    record.four.gateway = TRY(read_prefix(row.view(6)));
    record.six.subnet = TRY(read_prefix(row.view(7)));
    record.six.gateway = TRY(read_prefix(row.view(8)));
    const bj::object config = TRY(json::parse_object(row.view(9), "stored network"));
    record.internal = TRY(json::get_bool(config, "internal", false));
    record.attachable = TRY(json::get_bool(config, "attachable", false));
    // The first networks of a graph were the default one alone, and did not say so.
    record.is_default = TRY(json::get_bool(config, "default", config.empty()));
    record.options = TRY(read_map(config, "options"));
    record.labels = TRY(read_map(config, "labels"));
    TRY(read_subnet(config, "ipv4", record.four));
    TRY(read_subnet(config, "ipv6", record.six));
    return record;
}

}  // namespace

Result<std::vector<NetworkRecord>> load_networks(store::Database& graph) {
    std::vector<NetworkRecord> records;
    TRY(graph.session().each(
        "SELECT id, name, created, instance, link, subnet4, gateway4, subnet6, gateway6, config "
        "FROM networks ORDER BY created",
        [&](const store::Row& row) -> Result<void> {
            records.push_back(TRY(read_row(row).context("read network ", row.view(1))));
            return {};
        }));
    return records;
}

Result<void> insert_network(store::Database& graph, const NetworkRecord& record) {
    return graph.session().run(
        "INSERT INTO networks (id, name, created, instance, link, subnet4, gateway4, subnet6, "
        "gateway6, config) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        record.id, record.name, record.created_ns, record.instance, record.link,
        prefix_or_none(record.four.subnet), prefix_or_none(record.four.gateway),
        prefix_or_none(record.six.subnet), prefix_or_none(record.six.gateway), config_text(record));
}

Result<void> erase_network(store::Database& graph, const std::string& id) {
    return graph.session().run("DELETE FROM networks WHERE id = ?", id);
}

}  // namespace davit::network
