// SPDX-License-Identifier: Apache-2.0
#include "core/network/addresses.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace davit::network {

davit_address address_of(const sdk::Prefix& prefix) {
    davit_address address{};
    std::copy(prefix.bytes.begin(), prefix.bytes.end(), address.bytes);
    address.family = prefix.family;
    address.prefix = prefix.length;
    return address;
}

sdk::Prefix prefix_of(const davit_address& address) {
    sdk::Prefix prefix{.bytes = {}, .family = address.family, .length = address.prefix};
    std::copy(std::begin(address.bytes), std::end(address.bytes), prefix.bytes.begin());
    return prefix;
}

std::string mac_text(const plugin::MacAddress& mac) {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                  mac[3], mac[4], mac[5]);
    return text;
}

Result<plugin::MacAddress> parse_mac(const std::string& text) {
    constexpr std::size_t kLength = 17, kStep = 3;
    plugin::MacAddress mac{};
    bool good = text.size() == kLength;
    for (std::size_t i = 0; good && i < mac.size(); ++i) {
        const char* first = text.data() + i * kStep;
        const auto [end, error] = std::from_chars(first, first + 2, mac[i], 16);
        const char separator = i + 1 < mac.size() ? first[2] : ':';
        good = error == std::errc() && end == first + 2 && (separator == ':' || separator == '-');
    }
    constexpr std::uint8_t kMulticast = 1;
    if (!good || (mac[0] & kMulticast) != 0)
        return fail(Code::invalid, "invalid MAC address: ", text);
    return mac;
}

std::vector<sdk::Prefix> addresses_of(const Endpoint& endpoint) {
    std::vector<sdk::Prefix> addresses;
    const auto add = [&](const std::string& address, int prefix) {
        if (address.empty()) return;
        if (auto parsed = sdk::parse_prefix(address + "/" + std::to_string(prefix)))
            addresses.push_back(*parsed);
    };
    add(endpoint.address, endpoint.prefix);
    add(endpoint.address6, endpoint.prefix6);
    return addresses;
}

}  // namespace davit::network
