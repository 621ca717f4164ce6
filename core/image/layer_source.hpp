// SPDX-License-Identifier: Apache-2.0
// Where the bytes of one layer come from: a registry, or a file of an archive that is being loaded.
// One owner; read once, from its beginning.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

namespace davit::image {

class LayerSource {
public:
    virtual ~LayerSource() = default;
    LayerSource() = default;
    LayerSource(const LayerSource&) = delete;
    LayerSource& operator=(const LayerSource&) = delete;

    virtual int source() const = 0;  // to be read to its end
    // Stops reading and says how it went. A reader that stopped early is an error here: its own
    // reason counts more.
    virtual Result<void> finish() = 0;
};

class FileSource final : public LayerSource {
public:
    explicit FileSource(Fd file) : file_(std::move(file)) {}
    int source() const override { return file_.get(); }
    Result<void> finish() override { return {}; }

private:
    Fd file_;
};

}  // namespace davit::image
