// SPDX-License-Identifier: Apache-2.0
// Storage on btrfs: each layer is a subvolume, a layer over a parent a snapshot of it.
// The promises of every method are those of davit/storage.h. Thread-safe.
#pragma once

#include "sdk/layers/tree_driver.hpp"

#include <memory>

namespace davit::btrfs {

class BtrfsDriver final : public layers::TreeDriver {
public:
    static Result<std::unique_ptr<BtrfsDriver>> open(const sdk::Call& call,
                                                     const davit_open& request);
    static Result<void> probe(const sdk::Call& call, const davit_open& request);

    Result<davit_storage_mounted> mount(const sdk::Call& call,
                                        const davit_storage_mount& request) override;
    Result<void> retain(const sdk::Call& call, const davit_storage_retain& request) override;
    const void* ability(std::string_view id) override;

private:
    BtrfsDriver(std::unique_ptr<layers::LayerTree> tree, bool quota)
        : TreeDriver(std::move(tree), Form::whole), quota_(quota) {}
    Result<davit_storage_space> measure(const sdk::Call& call,
                                        const layers::NamedLayer& layer) const override;

    bool quota_;
};

}  // namespace davit::btrfs
