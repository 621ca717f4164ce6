// SPDX-License-Identifier: Apache-2.0
#include "core/volume/volume_table.hpp"

#include "sdk/base/json.hpp"

#include <boost/json.hpp>

namespace davit::volume {

namespace {

std::string_view stage_name(Stage stage) {
    switch (stage) {
        case Stage::ready: return "ready";
        case Stage::made: return "made";
        case Stage::removed: return "removed";
    }
    return "removed";
}

Result<Stage> parse_stage(std::string_view name) {
    for (const Stage stage : {Stage::ready, Stage::made, Stage::removed})
        if (stage_name(stage) == name) return stage;
    return fail(Code::corrupt, "read volume: unknown stage ", name);
}

std::string text_of(const Pairs& pairs) {
    boost::json::object object;
    for (const auto& [key, value] : pairs) object[key] = value;
    return boost::json::serialize(object);
}

Result<Pairs> pairs_of(std::string_view text) {
    Pairs pairs;
    for (const auto& [key, value] : TRY(json::parse_object(text, "stored volume"))) {
        if (!value.is_string()) return fail(Code::corrupt, "read volume: ", key, " is no text");
        pairs.emplace(key, std::string(value.get_string()));
    }
    return pairs;
}

// An anonymous one is as durable as its container.
template <class... Arguments>
Result<void> run(store::Database& graph, const Volume& volume, const char* sql,
                 const Arguments&... arguments) {
    if (volume.anonymous) return graph.session().run(sql, arguments...);
    auto transaction = TRY(graph.begin(store::Durability::power_loss));
    TRY(transaction.run(sql, arguments...));
    return transaction.commit();
}

}  // namespace

Result<void> insert(store::Database& graph, const Row& row) {
    const Volume& volume = row.volume;
    return run(graph, volume,
               "INSERT INTO volumes (name, created, anonymous, labels, options, device, stage,"
               " container) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               volume.name, volume.created_ns, volume.anonymous ? 1 : 0, text_of(volume.labels),
               text_of(volume.options), volume.device, stage_name(row.stage), row.container);
}

Result<void> set_stage(store::Database& graph, const Volume& volume, Stage stage) {
    return run(graph, volume, "UPDATE volumes SET stage = ? WHERE name = ?", stage_name(stage),
               volume.name);
}

Result<void> set_device(store::Database& graph, const std::string& name, std::uint64_t device) {
    return graph.session().run("UPDATE volumes SET device = ? WHERE name = ?", device, name);
}

Result<void> erase(store::Database& graph, const Volume& volume) {
    return run(graph, volume, "DELETE FROM volumes WHERE name = ?", volume.name);
}

Result<std::vector<Row>> load(store::Database& graph) {
    std::vector<Row> rows;
    TRY(graph.session().each(
        "SELECT name, created, anonymous, labels, options, device, stage, container FROM volumes",
        [&](const store::Row& columns) -> Result<void> {
            Row row{.volume = {.name = columns.text(0),
                               .created_ns = columns.integer(1),
                               .anonymous = columns.integer(2) != 0,
                               .labels = TRY(pairs_of(columns.view(3))),
                               .options = TRY(pairs_of(columns.view(4))),
                               .device = static_cast<std::uint64_t>(columns.integer(5))},
                    .stage = TRY(parse_stage(columns.view(6))),
                    .container = columns.text(7)};
            rows.push_back(std::move(row));
            return {};
        }));
    return rows;
}

}  // namespace davit::volume
