// SPDX-License-Identifier: Apache-2.0
#include "core/image/layer_blob.hpp"

#include "sdk/base/file.hpp"

#include <isa-l/igzip_lib.h>
#include <unistd.h>
#include <vector>

namespace davit::image {

namespace {

constexpr std::size_t kOutput = std::size_t{256} << 10;
// Of igzip's levels 0 to 3 the one after which files hardly shrink.
constexpr int kLevel = 2;

class Gzip {
public:
    explicit Gzip(int file) : file_(file), work_(ISAL_DEF_LVL2_DEFAULT), output_(kOutput) {
        isal_deflate_init(&state_);
        state_.level = kLevel;
        state_.level_buf = work_.data();
        state_.level_buf_size = static_cast<std::uint32_t>(work_.size());
        state_.gzip_flag = IGZIP_GZIP;  // its header has neither name nor time
    }
    Result<void> add(std::string_view bytes, Sha256& hash, bool last = false) {
        state_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
        state_.avail_in = static_cast<std::uint32_t>(bytes.size());
        state_.end_of_stream = last ? 1 : 0;
        do {
            state_.next_out = output_.data();
            state_.avail_out = static_cast<std::uint32_t>(output_.size());
            if (isal_deflate(&state_) != COMP_OK)
                return fail(Code::internal, "compress layer: the encoder failed");
            const std::string_view made(reinterpret_cast<const char*>(output_.data()),
                                        output_.size() - state_.avail_out);
            hash.add(made);
            TRY(write_all(file_, made).context("write compressed layer"));
            bytes_ += made.size();
        } while (state_.avail_out == 0);
        return {};
    }
    std::uint64_t bytes() const { return bytes_; }

private:
    int file_;
    isal_zstream state_{};
    std::vector<std::uint8_t> work_, output_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

Result<LayerBlob> compress(const LayerArchive& archive, const Digest& diff_id, Fd file,
                           const Cancel& cancel, const std::function<void(std::uint64_t)>& told) {
    auto hash = TRY(Sha256::create());
    const auto gzip = std::make_unique<Gzip>(file.get());  // too large for a stack
    std::uint64_t done = 0;
    TRY(archive.write(diff_id, [&](std::string_view bytes) -> Result<void> {
        TRY(cancel.check("compress layer"));
        TRY(gzip->add(bytes, hash));
        told(done += bytes.size());
        return {};
    }));
    TRY(gzip->add({}, hash, true));
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return os_error("rewind compressed layer");
    return LayerBlob{std::move(file), hash.finish(), gzip->bytes()};
}

}  // namespace davit::image
