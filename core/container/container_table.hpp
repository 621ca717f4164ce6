// SPDX-License-Identifier: Apache-2.0
// Containers in the graph: rows in, rows out. Used by the container room only; thread-safe through
// the database.
#pragma once

#include "core/container/container.hpp"
#include "core/store/database.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::container {

// The graph's row of a container.
struct Row {
    Record record;
    State state;
    std::vector<network::EndpointSettings> networks;
    std::vector<network::EndpointPtr> endpoints;  // while it runs
};

// `conflict` when the name is taken.
Result<void> insert(store::Database& graph, const Row& row);
// Writes status and state. A removed container's name is free from here on.
Result<void> update(store::Database& graph, const std::string& id, const State& state);
// The same with the endpoints that it runs with, all at once.
Result<void> update_started(store::Database& graph, const std::string& id, const State& state,
                            const std::vector<network::EndpointPtr>& endpoints);
// The same, without endpoints from here on.
Result<void> update_ended(store::Database& graph, const std::string& id, const State& state);
// Which networks it joins, and its endpoints on them now.
Result<void> put_networks(store::Database& graph, const std::string& id,
                          const std::vector<network::EndpointSettings>& networks,
                          const std::vector<network::EndpointPtr>& endpoints);
// `conflict` when the name is taken.
Result<void> rename(store::Database& graph, const std::string& id, const std::string& name);
// Replaces the configuration document.
Result<void> rewrite(store::Database& graph, const std::string& id, const std::string& document);
Result<void> erase(store::Database& graph, const std::string& id);
Result<std::vector<Row>> load(store::Database& graph);

}  // namespace davit::container
