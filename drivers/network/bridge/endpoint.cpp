// SPDX-License-Identifier: Apache-2.0
#include "endpoint.hpp"

#include "sdk/base/undo.hpp"
#include "sdk/endpoint/sysctl.hpp"

namespace davit::bridge {
namespace {

void remove_link(sdk::RouteSocket& socket, const std::string& name) {
    const auto link = sdk::find_link(socket, name);
    if (!link) return;
    sdk::queue_link_removal(socket, link->index);
    (void)socket.commit();
}

}  // namespace

Result<EndpointLink> connect(const EndpointPlan& plan) {
    sdk::RouteSocket host = TRY(sdk::RouteSocket::open());
    if (sdk::find_link(host, plan.host_name))
        return fail(Code::exists, "create link ", plan.host_name, ": file exists");
    // One message to the kernel makes the pair and says whose it is: no crash comes between.
    sdk::queue_veth(host, {.name = plan.host_name,
                           .peer_name = plan.interface.name,
                           .peer_mac = plan.interface.mac,
                           .peer_netns = plan.interface.netns,
                           .master = plan.bridge,
                           .mtu = plan.interface.mtu});
    sdk::queue_port(
        host,
        {.name = plan.host_name, .alias = plan.alias, .hairpin = true, .isolated = plan.isolated});
    Result<void> made = host.commit();
    Undo forget([&] { remove_link(host, plan.host_name); });
    TRY(std::move(made));
    // The bridge takes what arrives here; the port itself speaks no IPv6.
    if (sdk::has_ipv6())
        TRY(sdk::write_sysctl("ipv6/conf/" + plan.host_name + "/disable_ipv6", "1"));
    const sdk::Link inside = TRY(sdk::configure_interface(plan.interface));
    TRY(sdk::await_service(host, plan.host_name));
    forget.keep();
    return EndpointLink{
        .host_index = inside.parent, .index = inside.index, .interface = inside.name};
}

}  // namespace davit::bridge
