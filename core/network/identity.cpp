// SPDX-License-Identifier: Apache-2.0
#include "core/network/identity.hpp"

#include <sys/random.h>

#include <array>
#include <chrono>

namespace davit::network {

std::string random_id() {
    std::array<unsigned char, 32> raw{};
    // Up to 256 bytes are never partial once the kernel's generator is seeded.
    (void)!::getrandom(raw.data(), raw.size(), 0);
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : raw) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace davit::network
