// SPDX-License-Identifier: Apache-2.0
#include "core/network/gateway.hpp"

#include "sdk/base/netns.hpp"
#include "sdk/netlink/address.hpp"
#include "sdk/netlink/link.hpp"

#include <functional>
#include <vector>

namespace davit::network {

namespace {

using Queue = std::function<void(sdk::RouteSocket&, int link, const sdk::Prefix& gateway)>;

Result<void> for_each_gateway(int netns, const Endpoint& endpoint, const Queue& queue) {
    return run_in_netns(netns, [&]() -> Result<void> {
        sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
        const sdk::Link link = TRY(sdk::find_link(socket, endpoint.interface));
        for (const std::string* gateway : {&endpoint.gateway, &endpoint.gateway6}) {
            if (gateway->empty()) continue;
            queue(socket, link.index, TRY(sdk::parse_prefix(*gateway)));
            TRY(socket.commit());
        }
        return {};
    });
}

}  // namespace

Result<void> remove_default_route(int netns, const Endpoint& endpoint) {
    auto done = for_each_gateway(
        netns, endpoint, [&](sdk::RouteSocket& socket, int link, const sdk::Prefix& gateway) {
            sdk::queue_default_route_removal(socket, link, gateway, endpoint.interface);
        });
    if (!done && done.error().code == Code::not_found) return {};
    return done;
}

Result<void> add_default_route(int netns, const Endpoint& endpoint) {
    return for_each_gateway(netns, endpoint,
                            [&](sdk::RouteSocket& socket, int link, const sdk::Prefix& gateway) {
                                sdk::queue_default_route(socket, link, gateway, endpoint.interface);
                            });
}

}  // namespace davit::network
