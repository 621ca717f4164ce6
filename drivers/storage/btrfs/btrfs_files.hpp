// SPDX-License-Identifier: Apache-2.0
// The files of a layer as btrfs keeps them: a subvolume, over a parent a snapshot of the parent's.
// Used by BtrfsDriver through LayerTree. Thread-safe.
#pragma once

#include "sdk/layers/files.hpp"

namespace davit::btrfs {

class BtrfsFiles final : public layers::Files {
public:
    Result<void> make(const layers::NewFiles& files) const override;
    Result<void> seal(int root, const std::string& layer) const override;
    Result<void> remove(int directory, const std::string& name,
                        const StopFlag& stop) const override;
    std::string damage(int root, const std::string& layer, layers::State state) const override;
};

}  // namespace davit::btrfs
