// SPDX-License-Identifier: Apache-2.0
#include "network_settings.hpp"

#include "sdk/base/json.hpp"
#include "sdk/endpoint/interface.hpp"
#include "sdk/plugin/value.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

namespace davit::bridge {
namespace {

constexpr std::string_view kIcc = "com.docker.network.bridge.enable_icc";
constexpr std::string_view kMasquerade = "com.docker.network.bridge.enable_ip_masquerade";
constexpr std::string_view kInhibit4 = "com.docker.network.bridge.inhibit_ipv4";
constexpr std::string_view kName = "com.docker.network.bridge.name";
constexpr std::string_view kMtu = "com.docker.network.driver.mtu";
constexpr std::string_view kMode4 = "com.docker.network.bridge.gateway_mode_ipv4";
constexpr std::string_view kMode6 = "com.docker.network.bridge.gateway_mode_ipv6";
constexpr std::size_t kLongestLinkName = 15;  // IFNAMSIZ without the NUL
constexpr unsigned kMaxMtu = 65535;

// Docker's options are strings, whatever they mean.
Result<bool> flag(const boost::json::object& options, std::string_view key, bool fallback) {
    const auto value = TRY(json::get_string(options, key));
    if (!value || value->empty()) return fallback;
    if (*value == "true" || *value == "1") return true;
    if (*value == "false" || *value == "0") return false;
    return fail(Code::invalid, "read option ", key, ": expected true or false, found ", *value);
}

Result<void> read_mode(const boost::json::object& options, std::string_view key,
                       NetworkSettings& settings) {
    const std::string mode = TRY(json::get_string(options, key, "nat"));
    if (mode == "nat" || mode.empty()) return {};
    if (mode == "nat-unprotected") {
        settings.unprotected = true;
        return {};
    }
    if (mode == "isolated") {
        if (!settings.internal)
            return fail(Code::invalid, "read option ", key,
                        ": isolated is for internal networks only");
        settings.isolated = true;
        return {};
    }
    return fail(Code::unsupported, "read option ", key, ": ", mode,
                " is not offered by this driver");
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

Result<void> check_link_name(const std::string& name) {
    const bool fits =
        !name.empty() && name.size() <= kLongestLinkName && name != "." && name != "..";
    const auto odd = [](unsigned char c) {
        return c <= ' ' || c == '/' || c == ':' || c == '%' || c >= 0x7f;
    };
    if (fits && std::none_of(name.begin(), name.end(), odd)) return {};
    return fail(Code::invalid, "name link ", name,
                ": at most 15 characters without / : % and blanks");
}

}  // namespace

Result<NetworkSettings> settings_of(const davit_network_create& request) {
    NetworkSettings settings;
    settings.key = sdk::text(request.network);
    settings.gateway4 = sdk::prefix_of(request.gateway4);
    settings.gateway6 = sdk::prefix_of(request.gateway6);
    settings.is_default = (request.flags & DAVIT_NETWORK_DEFAULT) != 0;
    settings.internal = (request.flags & DAVIT_NETWORK_INTERNAL) != 0;
    if (settings.gateway4.family == 0 && settings.gateway6.family == 0)
        return fail(Code::invalid, "create network: it has neither an IPv4 nor an IPv6 subnet");
    const std::string_view text = sdk::view(request.options);
    const auto options = TRY(json::parse_object(text.empty() ? "{}" : text, "network options"));
    settings.icc = TRY(flag(options, kIcc, true)) && (request.flags & DAVIT_NETWORK_ICC_OFF) == 0;
    settings.masquerade = TRY(flag(options, kMasquerade, true));
    settings.inhibit4 = TRY(flag(options, kInhibit4, false));
    settings.mtu = TRY(read_mtu(options, request.mtu));
    settings.link = TRY(json::get_string(options, kName, sdk::text(request.link)));
    if (!settings.link.empty()) TRY(check_link_name(settings.link));
    TRY(read_mode(options, kMode4, settings));
    TRY(read_mode(options, kMode6, settings));
    return settings;
}

std::string to_text(const NetworkSettings& settings) {
    return boost::json::serialize(boost::json::object{
        {"key", settings.key},
        {"link", settings.link},
        {"gateway4", sdk::prefix_text(settings.gateway4)},
        {"gateway6", sdk::prefix_text(settings.gateway6)},
        {"mtu", settings.mtu},
        {"default", settings.is_default},
        {"internal", settings.internal},
        {"icc", settings.icc},
        {"masquerade", settings.masquerade},
        {"unprotected", settings.unprotected},
        {"isolated", settings.isolated},
        {"inhibit4", settings.inhibit4},
    });
}

Result<NetworkSettings> settings_from_text(std::string_view text) {
    const auto object = TRY(json::parse_object(text, "network settings"));
    NetworkSettings settings;
    settings.key = TRY(json::require_string(object, "key"));
    settings.link = TRY(json::require_string(object, "link"));
    const std::string gateway4 = TRY(json::get_string(object, "gateway4", ""));
    const std::string gateway6 = TRY(json::get_string(object, "gateway6", ""));
    if (!gateway4.empty()) settings.gateway4 = TRY(sdk::parse_prefix(gateway4));
    if (!gateway6.empty()) settings.gateway6 = TRY(sdk::parse_prefix(gateway6));
    settings.mtu = static_cast<unsigned>(TRY(json::get_int(object, "mtu", 0)));
    settings.is_default = TRY(json::get_bool(object, "default", false));
    settings.internal = TRY(json::get_bool(object, "internal", false));
    settings.icc = TRY(json::get_bool(object, "icc", true));
    settings.masquerade = TRY(json::get_bool(object, "masquerade", true));
    settings.unprotected = TRY(json::get_bool(object, "unprotected", false));
    settings.isolated = TRY(json::get_bool(object, "isolated", false));
    settings.inhibit4 = TRY(json::get_bool(object, "inhibit4", false));
    return settings;
}

}  // namespace davit::bridge
