// SPDX-License-Identifier: Apache-2.0
// From a compressed stream to the tar archive in it: gzip (igzip), zstd or plain, told apart by
// their first bytes, as registries mislabel them. Hashes what it writes: that hash is the layer's
// diff ID. Runs in the inflater's jail, so everything that opens files or wants memory beyond the
// heap happens in `create`. One thread.
#pragma once

#include "core/unpack/tar_log.hpp"
#include "sdk/base/digest.hpp"
#include "sdk/base/result.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace davit::unpack {

struct InflateResult {
    Digest diff_id;
    std::uint64_t compressed;
    std::uint64_t bytes;
};

class Inflater {
public:
    // `log` hears of every byte of the archive.
    static Result<Inflater> create(std::optional<TarLog> log = {});
    Inflater(Inflater&&) noexcept;
    ~Inflater();

    // Reads `from` to its end. What is written to `to` before a failure is no archive.
    // Errors: corrupt for a damaged or truncated stream; invalid over a limit; unavailable when
    // nobody reads `to`.
    Result<InflateResult> run(int from, int to);

private:
    struct Decoders;
    Inflater(Sha256 hash, std::unique_ptr<Decoders> decoders, std::optional<TarLog> log);
    Result<bool> fill(int from);  // false at the end of the input
    Result<void> emit(int to, std::size_t bytes);
    Result<void> run_gzip(int from, int to);
    Result<void> run_zstd(int from, int to);
    Result<void> run_plain(int from, int to);

    Sha256 hash_;
    std::unique_ptr<Decoders> decoders_;
    std::optional<TarLog> log_;
    std::vector<std::byte> input_;
    std::vector<std::byte> output_;
    std::size_t begin_ = 0;  // unread part of input_
    std::size_t end_ = 0;
    std::uint64_t compressed_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace davit::unpack
