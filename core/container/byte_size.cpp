// SPDX-License-Identifier: Apache-2.0
#include "core/container/byte_size.hpp"

#include <charconv>

namespace davit::container {

Result<std::int64_t> read_bytes(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc() || number < 0)
        return fail(Code::invalid, "create container: invalid size: '", text, "'");
    switch (unit.empty() ? 'b' : static_cast<char>(unit[0] | 0x20)) {
        case 'b': return number;
        case 'k': return number << 10;
        case 'm': return number << 20;
        case 'g': return number << 30;
        default: return fail(Code::invalid, "create container: invalid size: '", text, "'");
    }
}

}  // namespace davit::container
