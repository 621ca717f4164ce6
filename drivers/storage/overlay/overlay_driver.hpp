// SPDX-License-Identifier: Apache-2.0
// Storage on Linux's overlay file system: each layer is a directory, a mount stacks them.
// The promises of every method are those of davit/storage.h. Thread-safe.
#pragma once

#include "drivers/storage/overlay/layer_tree.hpp"
#include "drivers/storage/overlay/overlay_mount.hpp"
#include "sdk/plugin/storage_driver.hpp"

#include <memory>
#include <string>

namespace davit::overlay {

class OverlayDriver final : public sdk::StorageDriver {
public:
    static Result<std::unique_ptr<OverlayDriver>> open(const sdk::Call& call,
                                                       const davit_open& request);
    static Result<void> probe(const sdk::Call& call, const davit_open& request);

    Result<davit_storage_prepared> prepare(const sdk::Call& call,
                                           const davit_storage_prepare& request) override;
    Result<davit_storage_mounted> mount(const sdk::Call& call,
                                        const davit_storage_mount& request) override;
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
    const void* ability(std::string_view id) override;

private:
    OverlayDriver(std::unique_ptr<LayerTree> layers, MountForm form)
        : layers_(std::move(layers)), form_(form) {}

    Result<DetachedMount> mount_bare(const NamedLayer& layer, bool read_only) const;
    Result<DetachedMount> mount_merged(const std::vector<NamedLayer>& chain,
                                       const davit_storage_mount& request);
    Result<void> prepare_work_directory(const NamedLayer& layer) const;

    std::unique_ptr<LayerTree> layers_;
    MountForm form_;
};

}  // namespace davit::overlay
