// SPDX-License-Identifier: Apache-2.0
#include "parent.hpp"

#include "sdk/base/undo.hpp"
#include "sdk/endpoint/sysctl.hpp"

#include <charconv>
#include <optional>

namespace davit::macvlan {
namespace {

constexpr unsigned kLastVlan = 4094;  // IEEE 802.1Q

struct VlanName {
    std::string below;
    std::uint16_t id = 0;
};

// "eth0.10": VLAN 10 of eth0.
std::optional<VlanName> vlan_name(const std::string& name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos || dot == 0) return std::nullopt;
    unsigned id = 0;
    const char* last = name.data() + name.size();
    const auto [end, error] = std::from_chars(name.data() + dot + 1, last, id);
    if (error != std::errc() || end != last || id == 0 || id > kLastVlan) return std::nullopt;
    return VlanName{name.substr(0, dot), static_cast<std::uint16_t>(id)};
}

Result<void> make_vlan(sdk::RouteSocket& socket, const std::string& name) {
    const auto vlan = vlan_name(name);
    if (!vlan) return fail(Code::not_found, "find parent ", name, ": no such link on this host");
    const sdk::Link below = TRY(sdk::find_link(socket, vlan->below).context("make VLAN ", name));
    sdk::queue_vlan(socket, {.name = name, .parent = below.index, .id = vlan->id});
    return socket.commit().context("make VLAN ", name);
}

// A link that swallows what is sent by it, so that containers on it reach each other and nobody
// else: dummy(4), or ifb where the kernel has no dummy (it drops what no tc rule sent to it).
Result<void> make_sink(sdk::RouteSocket& socket, const NetworkSettings& settings) {
    Result<void> made;
    for (const char* kind : {"dummy", "ifb"}) {
        sdk::queue_simple_link(socket, kind, settings.parent, settings.mtu);
        made = socket.commit();
        if (made || made.error().code != Code::unsupported) break;
    }
    return std::move(made).context("make a parent that leads nowhere");
}

// The host itself shall not speak on it: not by IPv4, since it has no address; not by IPv6, whose
// addresses come by themselves.
Result<void> silence(const std::string& link) {
    if (!sdk::has_ipv6()) return {};
    return sdk::write_sysctl("ipv6/conf/" + link + "/disable_ipv6", "1");
}

Result<std::optional<sdk::Link>> find_parent(sdk::RouteSocket& socket, const std::string& name) {
    auto found = sdk::find_link(socket, name);
    if (found) return std::optional<sdk::Link>(std::move(*found));
    if (found.error().code == Code::not_found) return std::optional<sdk::Link>();
    return std::move(found).error();
}

// Between its making and its marking a link of ours has no alias.
bool is_ours(const NetworkSettings& settings, const sdk::Link& link, const std::string& alias) {
    return settings.makes_parent && (link.alias == alias || link.alias.empty());
}

}  // namespace

Result<bool> has_to_make(const NetworkSettings& settings, const std::string& alias) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const auto link = TRY(find_parent(socket, settings.parent));
    return settings.internal || !link || link->alias == alias;
}

Result<RaisedParent> raise_parent(const NetworkSettings& settings, const std::string& alias) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    auto link = TRY(find_parent(socket, settings.parent));
    if (link && settings.internal && !is_ours(settings, *link, alias))
        return fail(Code::exists, "make parent ", settings.parent,
                    ": a link of that name exists and is not this network's");
    const bool is_new = !link;
    if (is_new) {
        TRY(settings.internal ? make_sink(socket, settings) : make_vlan(socket, settings.parent));
        link = TRY(sdk::find_link(socket, settings.parent));
    }
    if (!is_ours(settings, *link, alias)) return RaisedParent{.link = *link};
    Undo forget([&] {
        if (!is_new) return;
        sdk::queue_link_removal(socket, link->index);
        (void)socket.commit();
    });
    TRY(silence(link->name));
    if (link->alias.empty()) sdk::queue_link_alias(socket, link->name, alias);
    if (!link->up) sdk::queue_link_up(socket, link->index);
    TRY(socket.commit());
    forget.keep();
    return RaisedParent{.link = TRY(sdk::find_link(socket, settings.parent)),
                        .mended = is_new     ? "was not there"
                                  : link->up ? ""
                                             : "was down"};
}

Result<void> remove_parent(const NetworkSettings& settings, const std::string& alias) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const auto link = TRY(find_parent(socket, settings.parent));
    if (!link || !is_ours(settings, *link, alias)) return {};
    sdk::queue_link_removal(socket, link->index);
    return socket.commit().context("remove parent ", settings.parent);
}

}  // namespace davit::macvlan
