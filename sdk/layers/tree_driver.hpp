// SPDX-License-Identifier: Apache-2.0
// A storage driver over a LayerTree: everything but mounting and probing, which is each driver's
// own. The promises of every method are those of davit/storage.h. Thread-safe.
#pragma once

#include "sdk/layers/layer_tree.hpp"
#include "sdk/plugin/storage_driver.hpp"

#include <memory>
#include <string>

namespace davit::layers {

class TreeDriver : public sdk::StorageDriver {
public:
    Result<davit_storage_prepared> prepare(const sdk::Call& call,
                                           const davit_storage_prepare& request) override;
    Result<void> release(const sdk::Call& call, const davit_storage_key& request) override;
    Result<davit_storage_committed> commit(const sdk::Call& call,
                                           const davit_storage_commit& request) override;
    Result<void> remove(const sdk::Call& call, const davit_storage_key& request) override;
    Result<void> stat(const sdk::Call& call, const davit_storage_key& request) override;
    Result<void> list(const sdk::Call& call) override;
    Result<davit_storage_space> usage(const sdk::Call& call,
                                      const davit_storage_key& request) override;
    Result<void> sync(const sdk::Call& call) override;
    Result<void> retain(const sdk::Call& call, const davit_storage_retain& request) override;
    Result<void> check(const sdk::Call& call, const davit_storage_check& request) override;

protected:
    // stacked: the files of a layer alone lie in it, so it can come to lie on another at the
    // commit, and its mount is bare until then. whole: those of its parent too.
    enum class Form { stacked, whole };
    TreeDriver(std::unique_ptr<LayerTree> layers, Form form)
        : layers_(std::move(layers)), form_(form) {}

    LayerTree& layers() const { return *layers_; }
    // "prepared/web/diff": relative to layers().root().
    static std::string diff_of(const NamedLayer& layer);

private:
    // What `usage` answers for one layer.
    virtual Result<davit_storage_space> measure(const sdk::Call& call,
                                                const NamedLayer& layer) const;

    std::unique_ptr<LayerTree> layers_;
    Form form_;
};

// Errors: unsupported for flags that davit/storage.h does not name.
Result<void> require_known_flags(const davit_storage_mount& request);

// A line of `probe`; an empty reason: the ability is there.
Result<void> emit_ability(const sdk::Call& call, const char* ability, const std::string& reason);

// The table of an ability without operations.
inline constexpr davit_ability kAbility = {sizeof(davit_ability), 0};

}  // namespace davit::layers
