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
    std::shared_ptr<const network::Endpoint> endpoint;  // while it runs
};

// `conflict` when the name is taken.
Result<void> insert(store::Database& graph, const Row& row);
// Writes status, state and endpoint. A removed container's name is free from here on.
Result<void> update(store::Database& graph, const std::string& id, const State& state,
                    const network::Endpoint* endpoint);
// `conflict` when the name is taken.
Result<void> rename(store::Database& graph, const std::string& id, const std::string& name);
Result<void> erase(store::Database& graph, const std::string& id);
Result<std::vector<Row>> load(store::Database& graph);

}  // namespace davit::container
