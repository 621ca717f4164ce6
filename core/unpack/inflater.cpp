// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/inflater.hpp"

#include "core/unpack/limits.hpp"

#include <isa-l/igzip_lib.h>
#include <unistd.h>
#include <zstd.h>
#include <cerrno>
#include <cstring>

namespace davit::unpack {

namespace {

constexpr std::byte kGzipMagic[] = {std::byte{0x1f}, std::byte{0x8b}};
constexpr std::byte kZstdMagic[] = {std::byte{0x28}, std::byte{0xb5}, std::byte{0x2f},
                                    std::byte{0xfd}};
constexpr std::size_t kMagicBytes = 4;

std::string gzip_fault(int status) {
    switch (status) {
        case ISAL_INVALID_WRAPPER: return "bad gzip header";
        case ISAL_UNSUPPORTED_METHOD: return "unknown gzip method";
        case ISAL_INCORRECT_CHECKSUM: return "wrong gzip checksum";
        case ISAL_NEED_DICT: return "gzip stream wants a dictionary";
        default: return "damaged gzip data";
    }
}

}  // namespace

struct Inflater::Decoders {
    inflate_state gzip{};
    ZSTD_DCtx* zstd = ZSTD_createDCtx();
    ~Decoders() { ZSTD_freeDCtx(zstd); }
};

Inflater::Inflater(Sha256 hash, std::unique_ptr<Decoders> decoders, std::optional<TarLog> log)
    : hash_(std::move(hash)),
      decoders_(std::move(decoders)),
      log_(std::move(log)),
      input_(kInputBytes),
      output_(kStreamBytes) {}
Inflater::Inflater(Inflater&&) noexcept = default;
Inflater::~Inflater() = default;

Result<Inflater> Inflater::create(std::optional<TarLog> log) {
    auto hash = TRY(Sha256::create());
    auto decoders = std::make_unique<Decoders>();
    if (decoders->zstd == nullptr) return fail(Code::internal, "start zstd decoder: out of memory");
    const std::size_t set =
        ZSTD_DCtx_setParameter(decoders->zstd, ZSTD_d_windowLogMax, kZstdWindowLog);
    if (ZSTD_isError(set))
        return fail(Code::internal, "start zstd decoder: ", ZSTD_getErrorName(set));
    return Inflater(std::move(hash), std::move(decoders), std::move(log));
}

Result<bool> Inflater::fill(int from) {
    if (begin_ > 0) std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    for (;;) {
        const ssize_t got = ::read(from, input_.data() + end_, input_.size() - end_);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_error("read layer");
        end_ += static_cast<std::size_t>(got);
        compressed_ += static_cast<std::uint64_t>(got);
        return got > 0;
    }
}

Result<void> Inflater::emit(int to, std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > kBytesMax) return fail(Code::invalid, "inflate layer: larger than 1 TiB");
    if (bytes_ > kRatioFrom && bytes_ / kRatioMax > compressed_)
        return fail(Code::invalid, "inflate layer: more than ", std::to_string(kRatioMax),
                    " times larger than its compressed form");
    hash_.add(std::span(output_.data(), bytes));
    if (log_) TRY(log_->add({reinterpret_cast<const char*>(output_.data()), bytes}));
    for (std::size_t done = 0; done < bytes;) {
        const ssize_t put = ::write(to, output_.data() + done, bytes - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return os_error("hand on the archive");
        done += static_cast<std::size_t>(put);
    }
    return {};
}

Result<InflateResult> Inflater::run(int from, int to) {
    while (end_ < kMagicBytes && TRY(fill(from))) {
    }
    const auto starts_with = [&](std::span<const std::byte> magic) {
        return end_ >= magic.size() && std::memcmp(input_.data(), magic.data(), magic.size()) == 0;
    };
    if (starts_with(kGzipMagic)) {
        TRY(run_gzip(from, to));
    } else if (starts_with(kZstdMagic)) {
        TRY(run_zstd(from, to));
    } else {
        TRY(run_plain(from, to));
    }
    if (log_) TRY(log_->finish());
    return InflateResult{hash_.finish(), compressed_, bytes_};
}

// RFC 1952 2.2: a gzip file is one or more members, one behind the other.
Result<void> Inflater::run_gzip(int from, int to) {
    inflate_state& state = decoders_->gzip;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    bool ended = false;  // the input
    for (;;) {
        state.next_in = reinterpret_cast<std::uint8_t*>(input_.data() + begin_);
        state.avail_in = static_cast<std::uint32_t>(end_ - begin_);
        state.next_out = reinterpret_cast<std::uint8_t*>(output_.data());
        state.avail_out = static_cast<std::uint32_t>(output_.size());
        const int status = isal_inflate(&state);
        begin_ = end_ - state.avail_in;
        const std::size_t made = output_.size() - state.avail_out;
        if (made > 0) TRY(emit(to, made));
        if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT)
            return fail(Code::corrupt, "inflate layer: ", gzip_fault(status));
        const bool finished = state.block_state == ISAL_BLOCK_FINISH;
        if (begin_ == end_ && !ended && (finished || state.avail_out > 0)) ended = !TRY(fill(from));
        if (finished && begin_ == end_) return {};
        if (finished) {
            isal_inflate_reset(&state);
            state.crc_flag = ISAL_GZIP;
        } else if (ended && begin_ == end_ && state.avail_out > 0) {
            return fail(Code::corrupt, "inflate layer: gzip stream is cut off");
        }
    }
}

// RFC 8878 3: frames, one behind the other; skippable ones are skipped by the decoder.
Result<void> Inflater::run_zstd(int from, int to) {
    std::size_t frame = 0;  // 0: between two frames
    for (bool more = true; more;) {
        ZSTD_inBuffer in{input_.data() + begin_, end_ - begin_, 0};
        for (bool full = true; in.pos < in.size || full;) {
            ZSTD_outBuffer out{output_.data(), output_.size(), 0};
            if (frame == 0 && in.pos == in.size) break;
            frame = ZSTD_decompressStream(decoders_->zstd, &out, &in);
            if (ZSTD_isError(frame))
                return fail(Code::corrupt, "inflate layer: zstd: ", ZSTD_getErrorName(frame));
            if (out.pos > 0) TRY(emit(to, out.pos));
            full = out.pos == out.size;
        }
        begin_ = end_;
        more = TRY(fill(from));
    }
    if (frame != 0) return fail(Code::corrupt, "inflate layer: zstd stream is cut off");
    return {};
}

Result<void> Inflater::run_plain(int from, int to) {
    do {
        const std::size_t bytes = end_ - begin_;
        std::memcpy(output_.data(), input_.data() + begin_, bytes);
        begin_ = end_;
        if (bytes > 0) TRY(emit(to, bytes));
    } while (TRY(fill(from)));
    return {};
}

}  // namespace davit::unpack
