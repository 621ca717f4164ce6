// SPDX-License-Identifier: Apache-2.0
#include "core/container/container_table.hpp"

#include "core/network/endpoint_json.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <map>
#include <string_view>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;
std::string state_json(const State& state) {
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
    if (!state.sandbox.empty()) object["sandbox"] = state.sandbox;
    return bj::serialize(object);
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
    row.state.sandbox = TRY(json::get_string(object, "sandbox", ""));
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

using Session = store::Database::Session;

Result<void> insert_network(Session& session, const std::string& container, int position,
                            const network::EndpointSettings& settings,
                            const network::EndpointPtr& endpoint) {
    const std::string text = bj::serialize(network::settings_json(settings));
    if (!endpoint)
        return session.run(
            "INSERT INTO endpoints (container, name, position, settings) VALUES (?, ?, ?, ?)",
            container, settings.network, position, text);
    return session.run(
        "INSERT INTO endpoints (container, name, position, settings, id, network, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        container, settings.network, position, text, endpoint->id, endpoint->network_id,
        bj::serialize(network::endpoint_json(*endpoint)));
}

Result<void> update_in(Session& session, const std::string& id, const State& state) {
    const char* sql = state.status == Status::removed
                          ? "UPDATE containers SET status = ?, name = NULL, state = ? WHERE id = ?"
                          : "UPDATE containers SET status = ?, state = ? WHERE id = ?";
    return session.run(sql, status_name(state.status), state_json(state), id);
}

Result<void> read_endpoint_row(const store::Row& columns, Row& row) {
    const bj::object object = TRY(json::parse_object(columns.view(2), "stored endpoint settings"));
    row.networks.push_back(TRY(network::read_endpoint_settings(columns.text(1), object)));
    row.networks.back().network_id = TRY(json::get_string(object, "NetworkID", ""));
    if (columns.null(3)) return {};
    auto endpoint = std::make_shared<network::Endpoint>(
        TRY(network::read_endpoint(TRY(json::parse_object(columns.view(3), "stored endpoint")))));
    endpoint->container = row.record.id;
    row.endpoints.push_back(std::move(endpoint));
    return {};
}

Result<void> load_endpoints(store::Database& graph, std::vector<Row>& rows) {
    std::map<std::string_view, Row*> by_id;
    for (Row& row : rows) by_id.emplace(row.record.id, &row);
    return graph.session().each(
        "SELECT container, name, settings, state FROM endpoints ORDER BY container, position",
        [&](const store::Row& columns) -> Result<void> {
            const auto row = by_id.find(columns.view(0));
            if (row == by_id.end()) return {};
            return read_endpoint_row(columns, *row->second)
                .context("read container ", columns.view(0));
        });
}

}  // namespace

Result<void> insert(store::Database& graph, const Row& row) {
    const Record& record = row.record;
    auto transaction = TRY(graph.begin());
    auto inserted = transaction.run(
        "INSERT INTO containers (id, name, created, image, image_reference, parent_layer, "
        "storage_instance,"
        " exec_instance, status, config, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        record.id, record.name, record.created_ns, record.image, record.image_reference,
        record.parent_layer, record.storage_instance, record.exec_instance,
        status_name(row.state.status), record.json, state_json(row.state));
    if (!inserted) return std::move(inserted).error().context("create container ", record.name);
    int position = 0;
    for (const network::EndpointSettings& settings : row.networks)
        TRY(insert_network(transaction, record.id, position++, settings, nullptr));
    return transaction.commit();
}

Result<void> update(store::Database& graph, const std::string& id, const State& state) {
    auto session = graph.session();
    return update_in(session, id, state);
}

Result<void> update_started(store::Database& graph, const std::string& id, const State& state,
                            const std::vector<network::EndpointPtr>& endpoints) {
    auto transaction = TRY(graph.begin());
    TRY(update_in(transaction, id, state));
    for (const network::EndpointPtr& endpoint : endpoints)
        TRY(transaction.run(
            "UPDATE endpoints SET id = ?, network = ?, state = ? WHERE container = ? AND name = ?",
            endpoint->id, endpoint->network_id, bj::serialize(network::endpoint_json(*endpoint)),
            id, endpoint->network));
    return transaction.commit();
}

Result<void> update_ended(store::Database& graph, const std::string& id, const State& state) {
    auto transaction = TRY(graph.begin());
    TRY(update_in(transaction, id, state));
    TRY(
        transaction.run("UPDATE endpoints SET id = NULL, network = NULL, state = NULL "
                        "WHERE container = ? AND id IS NOT NULL",
                        id));
    return transaction.commit();
}

Result<void> put_networks(store::Database& graph, const std::string& id,
                          const std::vector<network::EndpointSettings>& networks,
                          const std::vector<network::EndpointPtr>& endpoints) {
    auto transaction = TRY(graph.begin());
    TRY(transaction.run("DELETE FROM endpoints WHERE container = ?", id));
    int position = 0;
    for (const network::EndpointSettings& settings : networks) {
        network::EndpointPtr live;
        for (const network::EndpointPtr& endpoint : endpoints)
            if (endpoint->network == settings.network) live = endpoint;
        TRY(insert_network(transaction, id, position++, settings, live));
    }
    return transaction.commit();
}

Result<void> rename(store::Database& graph, const std::string& id, const std::string& name) {
    return graph.session().run("UPDATE containers SET name = ? WHERE id = ?", name, id);
}

Result<void> rewrite(store::Database& graph, const std::string& id, const std::string& document) {
    return graph.session().run("UPDATE containers SET config = ? WHERE id = ?", document, id);
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
    TRY(load_endpoints(graph, rows));
    return rows;
}

}  // namespace davit::container
