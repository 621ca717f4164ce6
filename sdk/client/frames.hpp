// SPDX-License-Identifier: Apache-2.0
// Takes apart the multiplexed stream of a container without a terminal: frames of 8 bytes {stream,
// 0, 0, 0, length (big endian)} and their payload, stream 1 being stdout and 2 stderr. Used by
// whoever reads attach, exec and logs.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace davit::sdk {

class FrameReader {
public:
    struct Piece {
        int stream = 0;  // 1 or 2; 3: the daemon's own error text
        std::string_view bytes;
    };
    // Takes the next payload bytes off the front of `bytes`, which shrinks. Empty when all of
    // `bytes` is taken. Payload comes as it arrives: a frame may come in several pieces. Errors:
    // corrupt (no such stream).
    Result<Piece> next(std::string_view& bytes);
    // Whether the stream may end here: not within a frame.
    bool at_boundary() const { return have_ == 0 && left_ == 0; }

private:
    unsigned char header_[8] = {};
    std::size_t have_ = 0;  // bytes of header_
    std::uint32_t left_ = 0;
};

}  // namespace davit::sdk
