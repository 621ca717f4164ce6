// SPDX-License-Identifier: Apache-2.0
// What every storage driver needs that keeps its layers as trees of files. For drivers; no state,
// thread-safe.
#pragma once

#include "davit/storage.h"
#include "sdk/plugin/entry.hpp"

#include <string>

namespace davit::sdk {

// Errors: invalid unless it matches [A-Za-z0-9][A-Za-z0-9._:-]{0,127}, so that it is one harmless
// file name.
Result<void> require_storage_key(const std::string& key);

// What `usage` answers for the tree below `directory`: allocated bytes and inodes, each counted
// once, the root included. Errors: cancelled, as soon as the call is.
Result<davit_storage_space> measure_layer(const Call& call, int directory);

// One record of `stat` or `list`; an empty parent: the layer lies on nothing.
Result<void> emit_layer(const Call& call, const std::string& key, const std::string& parent,
                        bool committed);

// One record of `check` or `retain`. `repaired`: it was mended or removed.
Result<void> emit_finding(const Call& call, const std::string& key, const std::string& text,
                          bool repaired);

}  // namespace davit::sdk
