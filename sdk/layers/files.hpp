// SPDX-License-Identifier: Apache-2.0
// How one driver keeps the files of a layer: the part of LayerTree that drivers differ in. Its
// methods are called from several threads at once, and again after a crash in the middle of them.
#pragma once

#include "sdk/base/file.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>

namespace davit::layers {

enum class State : std::uint32_t {
    prepared = 1,
    committed = 2
};  // DAVIT_STORAGE_PREPARED, _COMMITTED

// 0: no limit.
struct Limits {
    std::uint64_t bytes = 0, files = 0;
};

// Paths are relative to the instance's directory `root`.
struct NewFiles {
    int root;
    std::string layer;   // an empty directory that is this layer's alone
    std::string parent;  // the layer below, committed; empty: none
    Limits limits;
};

class Files {
public:
    virtual ~Files() = default;
    // Makes `<layer>/diff`. Errors: unsupported when a limit cannot be enforced. What a failure
    // leaves is removed with the layer.
    virtual Result<void> make(const NewFiles& files) const = 0;
    // The layer is about to be committed. What comes next may be a crash: the layer is then still
    // prepared, and has to work as such.
    virtual Result<void> seal(int root, const std::string& layer) const;
    // Deletes a layer, or what was being made of one. Errors: cancelled when `stop` said so.
    virtual Result<void> remove(int directory, const std::string& name, const StopFlag& stop) const;
    // What is wrong with the layer's files, in words; empty: nothing.
    virtual std::string damage(int root, const std::string& layer, State state) const;
};

// Of a layer's own root directory where no parent says otherwise, as in every container image.
inline constexpr mode_t kRootMode = 0755;

}  // namespace davit::layers
