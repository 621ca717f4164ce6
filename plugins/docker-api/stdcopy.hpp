// SPDX-License-Identifier: Apache-2.0
// The frames in which docker's clients expect stdout and stderr on one connection: stream number,
// three zero bytes, big-endian length, data (Engine API, "ContainerAttach"). No state, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace davit::docker_api {

inline constexpr std::uint8_t kStdout = 1;
inline constexpr std::uint8_t kStderr = 2;

class FrameHead {
public:
    FrameHead(std::uint8_t stream, std::size_t size)
        : bytes_{static_cast<char>(stream),
                 0,
                 0,
                 0,
                 byte(size, 24),
                 byte(size, 16),
                 byte(size, 8),
                 byte(size, 0)} {}
    std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

private:
    static char byte(std::size_t size, unsigned shift) {
        return static_cast<char>((size >> shift) & 0xFF);
    }
    std::array<char, 8> bytes_;
};

}  // namespace davit::docker_api
