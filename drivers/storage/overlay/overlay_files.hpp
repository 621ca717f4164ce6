// SPDX-License-Identifier: Apache-2.0
// The files of a layer as overlay keeps them: a plain directory. Used by OverlayDriver through
// LayerTree. Thread-safe.
#pragma once

#include "sdk/layers/files.hpp"

namespace davit::overlay {

// A lower layer without files, beside the layers.
inline constexpr char kEmptyLayer[] = "empty";

// What the instance's directory has beside its layers: the empty one, and the mount point of the
// thread form of mounting.
Result<void> make_overlay_directories(int root);

class OverlayFiles final : public layers::Files {
public:
    Result<void> make(const layers::NewFiles& files) const override;
};

}  // namespace davit::overlay
