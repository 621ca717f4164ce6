// SPDX-License-Identifier: Apache-2.0
// Storage on Linux's overlay file system: each layer is a directory, a mount stacks them.
// The promises of every method are those of davit/storage.h. Thread-safe.
#pragma once

#include "drivers/storage/overlay/overlay_mount.hpp"
#include "sdk/layers/tree_driver.hpp"

#include <memory>
#include <string>

namespace davit::overlay {

class OverlayDriver final : public layers::TreeDriver {
public:
    static Result<std::unique_ptr<OverlayDriver>> open(const sdk::Call& call,
                                                       const davit_open& request);
    static Result<void> probe(const sdk::Call& call, const davit_open& request);

    Result<davit_storage_mounted> mount(const sdk::Call& call,
                                        const davit_storage_mount& request) override;
    const void* ability(std::string_view id) override;

private:
    OverlayDriver(std::unique_ptr<layers::LayerTree> tree, MountForm form)
        : TreeDriver(std::move(tree), Form::stacked), mount_form_(form) {}

    Result<DetachedMount> mount_bare(const layers::NamedLayer& layer, bool read_only) const;
    Result<DetachedMount> mount_merged(const std::vector<layers::NamedLayer>& chain,
                                       const davit_storage_mount& request);
    Result<void> prepare_work_directory(const layers::NamedLayer& layer) const;

    MountForm mount_form_;
};

}  // namespace davit::overlay
