// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/frames.hpp"

#include <algorithm>
#include <cstring>

namespace davit::sdk {

Result<FrameReader::Piece> FrameReader::next(std::string_view& bytes) {
    while (!bytes.empty()) {
        if (left_ == 0) {
            const auto length = std::min(bytes.size(), sizeof header_ - have_);
            std::memcpy(header_ + have_, bytes.data(), length);
            have_ += length;
            bytes.remove_prefix(length);
            if (have_ < sizeof header_) break;
            have_ = 0;
            if (header_[0] > 3) return fail(Code::corrupt, "read stream: unknown stream number");
            left_ = static_cast<std::uint32_t>(header_[4]) << 24 |
                    static_cast<std::uint32_t>(header_[5]) << 16 |
                    static_cast<std::uint32_t>(header_[6]) << 8 | header_[7];
            continue;
        }
        const auto length = std::min<std::size_t>(bytes.size(), left_);
        const Piece piece{std::max<int>(header_[0], 1), bytes.substr(0, length)};
        bytes.remove_prefix(length);
        left_ -= static_cast<std::uint32_t>(length);
        return piece;
    }
    return Piece{};
}

}  // namespace davit::sdk
