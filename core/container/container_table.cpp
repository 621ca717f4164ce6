// SPDX-License-Identifier: Apache-2.0
#include "core/container/container_table.hpp"

#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;
using network::Endpoint;

bj::object endpoint_json(const Endpoint& endpoint) {
    bj::array ports;
    for (const auto& port : endpoint.ports)
        ports.push_back(bj::object{{"protocol", port.protocol},
                                   {"host_address", port.host_address},
                                   {"container_port", port.container_port},
                                   {"host_port", port.host_port}});
    return {{"id", endpoint.id},
            {"network", endpoint.network},
            {"network_id", endpoint.network_id},
            {"interface", endpoint.interface},
            {"mac", endpoint.mac},
            {"address", endpoint.address},
            {"gateway", endpoint.gateway},
            {"prefix", endpoint.prefix},
            {"ports", std::move(ports)}};
}

std::string state_json(const State& state, const Endpoint* endpoint) {
    bj::object object{{"pid", state.pid},
                      {"exit_code", state.exit_code},
                      {"out_of_memory", state.out_of_memory},
                      {"killed_by_user", state.killed_by_user},
                      {"paused", state.paused},
                      {"restart_count", state.restart_count},
                      {"error", state.error},
                      {"started", state.started_ns},
                      {"finished", state.finished_ns}};
    if (state.health) object["health"] = health_name(state.health->status);
    if (endpoint != nullptr) object["endpoint"] = endpoint_json(*endpoint);
    return bj::serialize(object);
}

Result<Endpoint> read_endpoint(const bj::object& object) {
    Endpoint endpoint{.id = TRY(json::require_string(object, "id")),
                      .network = TRY(json::require_string(object, "network")),
                      .network_id = TRY(json::require_string(object, "network_id")),
                      .interface = TRY(json::require_string(object, "interface")),
                      .mac = TRY(json::require_string(object, "mac")),
                      .address = TRY(json::require_string(object, "address")),
                      .gateway = TRY(json::require_string(object, "gateway")),
                      .prefix = static_cast<int>(TRY(json::require_int(object, "prefix")))};
    const auto* ports = TRY(json::get_array(object, "ports"));
    if (ports == nullptr) return endpoint;
    for (const bj::value& value : *ports) {
        if (!value.is_object())
            return fail(Code::corrupt, "read stored endpoint: a port is no object");
        const bj::object& port = value.get_object();
        endpoint.ports.push_back(
            {.protocol = TRY(json::require_string(port, "protocol")),
             .host_address = TRY(json::require_string(port, "host_address")),
             .container_port =
                 static_cast<std::uint16_t>(TRY(json::require_int(port, "container_port"))),
             .host_port = static_cast<std::uint16_t>(TRY(json::require_int(port, "host_port")))});
    }
    return endpoint;
}

Result<void> read_state(std::string_view text, Row& row) {
    const bj::object object = TRY(json::parse_object(text, "stored state"));
    row.state.pid = static_cast<int>(TRY(json::get_int(object, "pid", 0)));
    row.state.exit_code = static_cast<int>(TRY(json::get_int(object, "exit_code", 0)));
    row.state.out_of_memory = TRY(json::get_bool(object, "out_of_memory", false));
    row.state.killed_by_user = TRY(json::get_bool(object, "killed_by_user", false));
    row.state.paused = TRY(json::get_bool(object, "paused", false));
    row.state.restart_count = static_cast<int>(TRY(json::get_int(object, "restart_count", 0)));
    if (const std::string health = TRY(json::get_string(object, "health", "")); !health.empty())
        row.state.health =
            std::make_shared<const Health>(Health{.status = TRY(parse_health(health))});
    row.state.error = TRY(json::get_string(object, "error", ""));
    row.state.started_ns = TRY(json::get_int(object, "started", 0));
    row.state.finished_ns = TRY(json::get_int(object, "finished", 0));
    if (const auto* endpoint = TRY(json::get_object(object, "endpoint")))
        row.endpoint = std::make_shared<const Endpoint>(TRY(read_endpoint(*endpoint)));
    return {};
}

Result<Row> read_row(const store::Row& columns) {
    Row row{.record = {.id = columns.text(0),
                       .name = columns.text(1),
                       .image = columns.text(3),
                       .image_reference = columns.text(4),
                       .parent_layer = columns.text(5),
                       .storage_instance = columns.text(6),
                       .exec_instance = columns.text(7),
                       .json = columns.text(9),
                       .created_ns = columns.integer(2)}};
    row.state.status = TRY(parse_status(columns.view(8)));
    TRY(read_state(columns.view(10), row).context("read container ", row.record.id));
    return row;
}

}  // namespace

Result<void> insert(store::Database& graph, const Row& row) {
    const Record& record = row.record;
    auto inserted = graph.session().run(
        "INSERT INTO containers (id, name, created, image, image_reference, parent_layer, "
        "storage_instance,"
        " exec_instance, status, config, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        record.id, record.name, record.created_ns, record.image, record.image_reference,
        record.parent_layer, record.storage_instance, record.exec_instance,
        status_name(row.state.status), record.json, state_json(row.state, nullptr));
    if (inserted) return {};
    return std::move(inserted).error().context("create container ", record.name);
}

Result<void> update(store::Database& graph, const std::string& id, const State& state,
                    const Endpoint* endpoint) {
    if (state.status == Status::removed)
        return graph.session().run(
            "UPDATE containers SET status = ?, name = NULL, state = ? WHERE id = ?",
            status_name(state.status), state_json(state, nullptr), id);
    return graph.session().run("UPDATE containers SET status = ?, state = ? WHERE id = ?",
                               status_name(state.status), state_json(state, endpoint), id);
}

Result<void> rename(store::Database& graph, const std::string& id, const std::string& name) {
    return graph.session().run("UPDATE containers SET name = ? WHERE id = ?", name, id);
}

Result<void> erase(store::Database& graph, const std::string& id) {
    return graph.session().run("DELETE FROM containers WHERE id = ?", id);
}

Result<std::vector<Row>> load(store::Database& graph) {
    std::vector<Row> rows;
    TRY(
        graph.session().each("SELECT id, name, created, image, image_reference, parent_layer, "
                             "storage_instance, exec_instance, status,"
                             " config, state FROM containers ORDER BY created",
                             [&](const store::Row& columns) -> Result<void> {
                                 rows.push_back(TRY(read_row(columns)));
                                 return {};
                             }));
    return rows;
}

}  // namespace davit::container
