// SPDX-License-Identifier: Apache-2.0
#include "network_settings.hpp"

#include "sdk/base/json.hpp"
#include "sdk/endpoint/interface.hpp"
#include "sdk/plugin/value.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

namespace davit::macvlan {
namespace {

constexpr std::string_view kParent = "parent";
constexpr std::string_view kMode = "macvlan_mode";
constexpr std::string_view kShortMode = "mode";
constexpr std::string_view kMtu = "com.docker.network.driver.mtu";
constexpr unsigned kMaxMtu = 65535;

constexpr std::array<std::pair<std::string_view, sdk::MacvlanMode>, 4> kModes{{
    {"bridge", sdk::MacvlanMode::bridge},
    {"vepa", sdk::MacvlanMode::vepa},
    {"private", sdk::MacvlanMode::private_},
    {"passthru", sdk::MacvlanMode::passthru},
}};

Result<sdk::MacvlanMode> mode_of(std::string_view word) {
    for (const auto& [name, mode] : kModes)
        if (name == word) return mode;
    return fail(Code::invalid, "read option ", kMode, ": ", word,
                " is none of bridge, vepa, private, passthru");
}

std::string_view word_of(sdk::MacvlanMode wanted) {
    for (const auto& [name, mode] : kModes)
        if (mode == wanted) return name;
    return "bridge";
}

// Two names for one option: given twice, they must agree.
Result<sdk::MacvlanMode> read_mode(const boost::json::object& options) {
    const std::string long_form = TRY(json::get_string(options, kMode, ""));
    const std::string short_form = TRY(json::get_string(options, kShortMode, ""));
    const sdk::MacvlanMode mode = TRY(mode_of(long_form.empty() ? "bridge" : long_form));
    if (short_form.empty()) return mode;
    const sdk::MacvlanMode other = TRY(mode_of(short_form));
    // The engine fills defaults in, so that "bridge" may be nobody's wish.
    if (mode != other && mode != sdk::MacvlanMode::bridge)
        return fail(Code::invalid, "read option ", kShortMode, ": ", short_form,
                    " contradicts macvlan_mode=", long_form);
    return other;
}

Result<unsigned> read_mtu(const boost::json::object& options, unsigned wanted) {
    const std::string text = TRY(json::get_string(options, kMtu, ""));
    if (text.empty()) return wanted;
    unsigned mtu = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mtu);
    if (error != std::errc() || end != text.data() + text.size() || mtu > kMaxMtu)
        return fail(Code::invalid, "read option ", kMtu, ": ", text, " is not a packet size");
    return mtu;
}

Result<void> check_flags(std::uint32_t flags, const NetworkSettings& settings) {
    if ((flags & DAVIT_NETWORK_INTERNAL) != 0 && !settings.internal)
        return fail(Code::invalid, "create network: an internal network has no parent, since ",
                    settings.parent, " leads out of this host");
    if ((flags & DAVIT_NETWORK_ICC_OFF) != 0 && settings.mode != sdk::MacvlanMode::private_)
        return fail(Code::unsupported,
                    "keep containers apart: the LAN decides who reaches whom; macvlan_mode=private "
                    "keeps those of one parent apart");
    return {};
}

}  // namespace

bool NetworkSettings::asks_the_same(const NetworkSettings& other) const {
    return key == other.key && parent == other.parent && internal == other.internal &&
           mode == other.mode && mtu == other.mtu && gateway4 == other.gateway4 &&
           gateway6 == other.gateway6;
}

Result<NetworkSettings> settings_of(const davit_network_create& request,
                                    const std::string& own_parent) {
    const std::string_view text = sdk::view(request.options);
    const auto options = TRY(json::parse_object(text.empty() ? "{}" : text, "network options"));
    NetworkSettings settings;
    settings.key = sdk::text(request.network);
    settings.gateway4 = sdk::prefix_of(request.gateway4);
    settings.gateway6 = sdk::prefix_of(request.gateway6);
    settings.parent = TRY(json::get_string(options, kParent, ""));
    settings.mode = TRY(read_mode(options));
    settings.mtu = TRY(read_mtu(options, request.mtu));
    settings.internal = settings.parent.empty();
    if (settings.internal) settings.parent = own_parent;
    TRY(check_flags(request.flags, settings));
    return settings;
}

std::string to_text(const NetworkSettings& settings) {
    return boost::json::serialize(boost::json::object{
        {"key", settings.key},
        {"parent", settings.parent},
        {"internal", settings.internal},
        {"makes_parent", settings.makes_parent},
        {"mode", word_of(settings.mode)},
        {"mtu", settings.mtu},
        {"gateway4", sdk::prefix_text(settings.gateway4)},
        {"gateway6", sdk::prefix_text(settings.gateway6)},
    });
}

Result<NetworkSettings> settings_from_text(std::string_view text) {
    const auto object = TRY(json::parse_object(text, "network settings"));
    NetworkSettings settings;
    settings.key = TRY(json::require_string(object, "key"));
    settings.parent = TRY(json::require_string(object, "parent"));
    settings.internal = TRY(json::get_bool(object, "internal", false));
    settings.makes_parent = TRY(json::get_bool(object, "makes_parent", false));
    settings.mode = TRY(mode_of(TRY(json::require_string(object, "mode"))));
    settings.mtu = static_cast<unsigned>(TRY(json::get_int(object, "mtu", 0)));
    const std::string gateway4 = TRY(json::get_string(object, "gateway4", ""));
    const std::string gateway6 = TRY(json::get_string(object, "gateway6", ""));
    if (!gateway4.empty()) settings.gateway4 = TRY(sdk::parse_prefix(gateway4));
    if (!gateway6.empty()) settings.gateway6 = TRY(sdk::parse_prefix(gateway6));
    return settings;
}

}  // namespace davit::macvlan
