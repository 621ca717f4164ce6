// SPDX-License-Identifier: Apache-2.0
// The rows of volumes. A change of a named one is on disk when the call returns (seams rule 14):
// the files that it is about may be all that a user has. Used by volumes.cpp only.
#pragma once

#include "core/store/database.hpp"
#include "core/volume/volume.hpp"

#include <vector>

namespace davit::volume {

// ready: it is there. made: it waits for the container that it is made for; a crash before that one
// exists takes it away. removed: its files still have to go.
enum class Stage { ready, made, removed };

struct Row {
    Volume volume;
    Stage stage = Stage::ready;
    std::string container;  // of a made one
};

Result<void> insert(store::Database& graph, const Row& row);
Result<void> set_stage(store::Database& graph, const Volume& volume, Stage stage);
Result<void> set_device(store::Database& graph, const std::string& name, std::uint64_t device);
Result<void> erase(store::Database& graph, const Volume& volume);
Result<std::vector<Row>> load(store::Database& graph);

}  // namespace davit::volume
