// SPDX-License-Identifier: Apache-2.0
// A layer's compressed form, made again: gzip of its archive, in a file without a name. The same
// layer gives the same blob, so that a registry that has it once needs it no more.
#pragma once

#include "core/image/layer_archive.hpp"
#include "core/image/manifest.hpp"
#include "sdk/base/cancel.hpp"

#include <memory>

namespace davit::image {

struct LayerBlob {
    Fd file;  // at its beginning
    Digest digest;
    std::uint64_t bytes = 0;
};

// `file`: empty, for reading and writing. `told` hears how many bytes of the archive are done.
Result<LayerBlob> compress(const LayerArchive& archive, const Digest& diff_id, Fd file,
                           const Cancel& cancel,
                           const std::function<void(std::uint64_t done)>& told);

}  // namespace davit::image
