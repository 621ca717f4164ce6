// SPDX-License-Identifier: Apache-2.0
#include "network_link.hpp"

#include "endpoint.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/endpoint/interface.hpp"
#include "sdk/endpoint/sysctl.hpp"

#include <algorithm>

namespace davit::bridge {
namespace {

std::vector<sdk::Prefix> host_addresses(const NetworkSettings& settings) {
    std::vector<sdk::Prefix> addresses;
    if (settings.isolated) return addresses;
    if (settings.gateway4.family != 0 && !settings.inhibit4) addresses.push_back(settings.gateway4);
    if (settings.gateway6.family != 0) addresses.push_back(settings.gateway6);
    return addresses;
}

// Written before the bridge comes up. route_localnet lets connections of 127.0.0.1 be translated to
// containers; the rules of the raw chain keep containers from using it.
std::vector<std::pair<std::string, std::string>> wanted_sysctls(const NetworkSettings& settings) {
    std::vector<std::pair<std::string, std::string>> wanted = {
        {"ipv4/conf/" + settings.link + "/route_localnet", "1"}};
    if (!sdk::has_ipv6()) return wanted;
    const std::string conf = "ipv6/conf/" + settings.link + "/";
    wanted.emplace_back(conf + "disable_ipv6", settings.gateway6.family != 0 ? "0" : "1");
    wanted.emplace_back(conf + "accept_ra", "0");
    wanted.emplace_back(conf + "accept_dad", "0");
    return wanted;
}

Result<void> mend_sysctls(const NetworkSettings& settings, std::vector<std::string>& mended) {
    for (const auto& [path, value] : wanted_sysctls(settings)) {
        if (TRY(sdk::read_sysctl(path)) == value) continue;
        TRY(sdk::write_sysctl(path, value));
        mended.push_back(path + " was not " + value);
    }
    return {};
}

Result<void> mend_addresses(sdk::RouteSocket& socket, const sdk::Link& link,
                            const NetworkSettings& settings, std::vector<std::string>& mended) {
    const auto present = TRY(sdk::list_addresses(socket));
    for (const sdk::Prefix& address : host_addresses(settings)) {
        const auto same = [&](const sdk::LinkAddress& other) {
            return other.link == link.index && other.address == address;
        };
        if (std::any_of(present.begin(), present.end(), same)) continue;
        sdk::queue_address(socket, link.index, address, link.name);
        mended.push_back("address " + sdk::prefix_text(address) + " was missing");
    }
    return {};
}

// Adding ports must not change the bridge's MAC, which neighbours remember: so it gets one of its
// own. One message to the kernel makes it and says whose it is: no crash comes between.
Result<void> create(sdk::RouteSocket& socket, const NetworkSettings& settings,
                    const std::string& alias) {
    const sdk::Prefix& best = settings.gateway4.family != 0 ? settings.gateway4 : settings.gateway6;
    sdk::queue_bridge(socket,
                      {.name = settings.link, .mac = sdk::mac_of({best}), .mtu = settings.mtu});
    sdk::queue_link_alias(socket, settings.link, alias);
    return socket.commit();
}

}  // namespace

Result<RaisedBridge> raise_bridge(const NetworkSettings& settings, const std::string& alias) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    RaisedBridge raised;
    auto found = sdk::find_link(socket, settings.link);
    if (!found && found.error().code != Code::not_found) return std::move(found).error();
    const bool is_new = !found;
    if (is_new) {
        TRY(create(socket, settings, alias));
        found = sdk::find_link(socket, settings.link);
    }
    const sdk::Link link = TRY(std::move(found));
    if (!is_new && link.alias != alias)
        return fail(Code::exists, "create bridge ", settings.link,
                    ": a link of that name exists and is not this network's");
    Undo forget([&] {
        if (!is_new) return;
        sdk::queue_link_removal(socket, link.index);
        (void)socket.commit();
    });
    raised.index = link.index;
    TRY(mend_sysctls(settings, raised.mended));
    TRY(mend_addresses(socket, link, settings, raised.mended));
    if (!link.up) {
        sdk::queue_link_up(socket, link.index);
        raised.mended.push_back("it was down");
    }
    TRY(socket.commit());
    if (is_new) raised.mended = {"it was not there"};
    forget.keep();
    return raised;
}

Result<void> remove_bridge(const std::string& name, const std::string& alias) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const auto link = sdk::find_link(socket, name);
    if (!link && link.error().code == Code::not_found) return {};
    if (!link) return link.error();
    if (link->alias != alias) return {};
    sdk::queue_link_removal(socket, link->index);
    return socket.commit().context("remove bridge ", name);
}

Result<std::vector<std::string>> switch_forwarding_on(const NetworkSettings& settings) {
    std::vector<std::string> changed;
    const auto ensure = [&](const std::string& path) -> Result<void> {
        if (TRY(sdk::read_sysctl(path)) == "1") return {};
        TRY(sdk::write_sysctl(path, "1"));
        changed.push_back("net/" + path);
        return {};
    };
    if (settings.internal) return changed;
    if (settings.gateway4.family != 0) TRY(ensure("ipv4/ip_forward"));
    if (settings.gateway6.family != 0) TRY(ensure("ipv6/conf/all/forwarding"));
    return changed;
}

}  // namespace davit::bridge
