// SPDX-License-Identifier: Apache-2.0
#include "core/network/dns_sockets.hpp"

#include "sdk/base/netns.hpp"
#include "sdk/netlink/nft_batch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace davit::network {

namespace {

constexpr const char* kTable = "davit-dns";
constexpr const char* kPorts = "ports";
constexpr const char* kChain = "output";
constexpr std::int32_t kDestinationNat = -100;  // NF_IP_PRI_NAT_DST
constexpr std::uint16_t kDnsPort = 53;
constexpr int kBacklog = 32;

Result<Fd> open_socket(int type) {
    Fd made(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made) return os_error("open socket in the container's network");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, kDnsAddress, &address.sin_addr);
    if (::bind(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return os_error(std::string("bind ") + kDnsAddress + " in the container's network");
    if (type == SOCK_STREAM && ::listen(made.get(), kBacklog) != 0)
        return os_error(std::string("listen on ") + kDnsAddress + " in the container's network");
    return made;
}

Result<std::uint16_t> port_of(const Fd& bound) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    if (::getsockname(bound.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
        return os_error("ask for a socket's port");
    return ntohs(address.sin_port);
}

Result<sdk::NftElement> way_to(const Fd& bound, std::uint8_t protocol) {
    const sdk::Prefix address = TRY(sdk::parse_prefix(kDnsAddress));
    sdk::NftElement element;
    element.key.protocol(protocol).address(address).port(kDnsPort);
    element.data.address(address).port(TRY(port_of(bound)));
    return element;
}

Result<void> lead_to(const DnsSockets& sockets) {
    using sdk::NftType;
    sdk::NftBatch batch(kTable);
    batch.replace_table();
    batch.add_set({.name = kPorts,
                   .key = {NftType::inet_proto, NftType::ipv4_addr, NftType::inet_service},
                   .data = {NftType::ipv4_addr, NftType::inet_service}});
    batch.add_elements(
        kPorts, {TRY(way_to(sockets.udp, IPPROTO_UDP)), TRY(way_to(sockets.tcp, IPPROTO_TCP))});
    batch.add_chain({.name = kChain,
                     .type = sdk::NftChainType::nat,
                     .hook = sdk::NftHook::output,
                     .priority = kDestinationNat});
    sdk::NftRule rule(kTable, kChain, "the engine's name server");
    rule.destination_loopback(sdk::IpFamily::v4).translate_by_address(kPorts, sdk::IpFamily::v4);
    batch.add_rule(rule);
    return batch.commit();
}

}  // namespace

Result<DnsSockets> open_dns_sockets(int netns) {
    DnsSockets sockets;
    TRY(run_in_netns(netns, [&]() -> Result<void> {
        sockets.udp = TRY(open_socket(SOCK_DGRAM));
        sockets.tcp = TRY(open_socket(SOCK_STREAM));
        return lead_to(sockets);
    }));
    return sockets;
}

}  // namespace davit::network
