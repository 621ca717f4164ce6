// SPDX-License-Identifier: Apache-2.0
// A layer's archive made again: its files from the storage driver, the rest from the log that was
// written when it was unpacked (core/unpack/tar_log.hpp). The result is verified against the diff
// ID, so whatever happened to the files meanwhile, nobody gets another layer. One thread.
#pragma once

#include "sdk/base/digest.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace davit::image {

class LayerArchive {
public:
    using Sink = std::function<Result<void>(std::string_view)>;

    // `mount`: the committed layer. Errors: not_found for a log that says of itself that it is not
    // enough; corrupt.
    static Result<LayerArchive> open(Fd log, Fd mount);
    std::uint64_t bytes() const { return bytes_; }
    // The whole archive, piece by piece. Errors: the sink's; corrupt when it is not the archive of
    // that diff ID, which is known last.
    Result<void> write(const Digest& diff_id, const Sink& sink) const;

private:
    LayerArchive(Fd log, Fd mount, std::uint64_t bytes)
        : log_(std::move(log)), mount_(std::move(mount)), bytes_(bytes) {}
    Fd log_, mount_;
    std::uint64_t bytes_;
};

}  // namespace davit::image
