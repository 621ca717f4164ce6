// SPDX-License-Identifier: Apache-2.0
#include "core/network/published_ports.hpp"

#include "core/network/addresses.hpp"

#include <netinet/in.h>

#include <algorithm>

namespace davit::network {

namespace {

Result<std::uint8_t> protocol_number(const std::string& name) {
    if (name == "tcp") return std::uint8_t{IPPROTO_TCP};
    if (name == "udp") return std::uint8_t{IPPROTO_UDP};
    if (name == "sctp") return std::uint8_t{IPPROTO_SCTP};
    return fail(Code::invalid, "publish port: unknown protocol ", name);
}

std::string protocol_name(std::uint8_t number) {
    return number == IPPROTO_UDP ? "udp" : number == IPPROTO_SCTP ? "sctp" : "tcp";
}

}  // namespace

Result<PortWish> wish_of(const PortRequest& request, const std::string& binding) {
    PortWish wish{.host = {},
                  .first = request.first,
                  .last = request.last,
                  .container_port = request.container_port,
                  .protocol = TRY(protocol_number(request.protocol))};
    std::string address = request.host_address.empty() ? binding : request.host_address;
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    if (!address.empty()) wish.host = TRY(sdk::parse_prefix(address).context("publish port"));
    return wish;
}

void show_port(const davit_port& port, std::vector<PublishedPort>& shown) {
    const PublishedPort one{.protocol = protocol_name(port.protocol),
                            .host_address = "",
                            .container_port = port.container_port,
                            .host_port = port.host_port};
    if (port.host.family != 0) {
        shown.push_back(one);
        shown.back().host_address = sdk::address_text(prefix_of(port.host));
        return;
    }
    for (const char* every : {"0.0.0.0", "::"}) {
        shown.push_back(one);
        shown.back().host_address = every;
    }
}

Result<std::vector<davit_port>> stored_ports(const Endpoint& endpoint) {
    std::vector<davit_port> ports;
    const auto has_twin = [&](const PublishedPort& shown, const char* address) {
        return std::any_of(endpoint.ports.begin(), endpoint.ports.end(), [&](const auto& other) {
            return other.host_address == address && other.host_port == shown.host_port &&
                   other.protocol == shown.protocol;
        });
    };
    for (const PublishedPort& shown : endpoint.ports) {
        if (shown.host_address == "::" && has_twin(shown, "0.0.0.0")) continue;
        davit_port port{.host = {},
                        .host_port = shown.host_port,
                        .container_port = shown.container_port,
                        .protocol = TRY(protocol_number(shown.protocol)),
                        .padding = {}};
        const bool every = shown.host_address == "0.0.0.0" && has_twin(shown, "::");
        if (!every) port.host = address_of(TRY(sdk::parse_prefix(shown.host_address)));
        ports.push_back(port);
    }
    return ports;
}

}  // namespace davit::network
