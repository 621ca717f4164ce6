// SPDX-License-Identifier: Apache-2.0
#include "cli/ports.hpp"

#include "cli/view.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <charconv>
#include <tuple>
#include <vector>

namespace davit::cli {
namespace {

namespace bj = boost::json;

struct Published {
    std::string ip, type;
    std::int64_t inside = 0, outside = 0;
};

std::string joined_address(const std::string& ip, const std::string& port) {
    return ip.find(':') == std::string::npos ? ip + ":" + port : "[" + ip + "]:" + port;
}

struct Group {
    std::string ip, type;
    std::int64_t first = 0, last = 0;
    std::string text() const {
        auto ports = std::to_string(first);
        if (first != last) ports += "-" + std::to_string(last);
        return (ip.empty() ? ports : joined_address(ip, ports) + "->" + ports) + "/" + type;
    }
};

struct Range {
    int first = 0, last = 0;
    int size() const { return last - first + 1; }
};

Result<int> parse_port(std::string_view text) {
    int port = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port < 0 || port > 65535)
        return fail(Code::invalid, "invalid port '", text, "'");
    return port;
}

Result<Range> parse_range(std::string_view text) {
    const auto dash = text.find('-');
    const int first = TRY(parse_port(text.substr(0, dash)));
    if (dash == std::string_view::npos) return Range{first, first};
    const int last = TRY(parse_port(text.substr(dash + 1)));
    if (last < first) return fail(Code::invalid, "invalid range '", text, "'");
    return Range{first, last};
}

struct Specification {
    std::string ip, outside, inside, protocol = "tcp";
};

// [::1]:8080:80/udp → its four parts.
Result<Specification> take_apart(std::string_view text) {
    Specification parts;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        parts.protocol = text.substr(slash + 1);
        text = text.substr(0, slash);
    }
    for (char& c : parts.protocol) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (parts.protocol != "tcp" && parts.protocol != "udp" && parts.protocol != "sctp")
        return fail(Code::invalid, "invalid proto '", parts.protocol, "'");
    if (text.starts_with('[')) {
        const auto end = text.find("]:");
        if (end == std::string_view::npos)
            return fail(Code::invalid, "']:' is missing after the address");
        parts.ip = text.substr(1, end - 1);
        text.remove_prefix(end + 2);
    }
    std::vector<std::string_view> pieces;
    for (auto rest = text;; rest.remove_prefix(pieces.back().size() + 1)) {
        pieces.push_back(rest.substr(0, rest.find(':')));
        if (pieces.back().size() == rest.size()) break;
    }
    // An IPv6 address without brackets: all but the last two parts are the address.
    parts.inside = pieces.back();
    if (pieces.size() > 1) parts.outside = pieces[pieces.size() - 2];
    if (pieces.size() > 2) {
        if (!parts.ip.empty()) return fail(Code::invalid, "too many colons");
        const auto length = text.size() - parts.inside.size() - parts.outside.size() - 2;
        parts.ip = text.substr(0, length);
    }
    return parts;
}

Result<void> check_address(const std::string& ip) {
    unsigned char bytes[16];
    if (ip.empty() || ::inet_pton(AF_INET, ip.c_str(), bytes) == 1 ||
        ::inet_pton(AF_INET6, ip.c_str(), bytes) == 1)
        return {};
    return fail(Code::invalid, "invalid IP address: ", ip);
}

Result<void> publish(const Specification& parts, PortOptions& options) {
    TRY(check_address(parts.ip));
    if (parts.inside.empty()) return fail(Code::invalid, "no port specified");
    const auto inside = TRY(parse_range(parts.inside));
    const auto outside = parts.outside.empty() ? Range{} : TRY(parse_range(parts.outside));
    // A range for one port of the container: the daemon takes the first free one.
    const bool choose = !parts.outside.empty() && inside.size() == 1 && outside.size() > 1;
    if (!parts.outside.empty() && !choose && inside.size() != outside.size())
        return fail(Code::invalid,
                    "invalid ranges specified for container and host ports: ", parts.inside,
                    " and ", parts.outside);
    for (int i = 0; i < inside.size(); ++i) {
        const auto key = std::to_string(inside.first + i) + "/" + parts.protocol;
        const auto host = parts.outside.empty() ? ""
                          : choose              ? parts.outside
                                                : std::to_string(outside.first + i);
        options.exposed[key].emplace_object();
        auto& list = options.bindings[key];
        if (!list.is_array()) list.emplace_array();
        list.get_array().push_back(bj::object{{"HostIp", parts.ip}, {"HostPort", host}});
    }
    return {};
}

// target=80,published=8080,protocol=tcp
Result<Specification> take_long_form(std::string_view text) {
    Specification parts;
    while (!text.empty()) {
        const auto field = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), field.size() + 1));
        const auto equals = field.find('=');
        const auto key = field.substr(0, equals);
        const std::string value(equals == std::string_view::npos ? "" : field.substr(equals + 1));
        if (key == "target")
            parts.inside = value;
        else if (key == "published")
            parts.outside = value;
        else if (key == "protocol")
            parts.protocol = value;
        else if (key == "host_ip")
            parts.ip = value;
        else if (key != "mode")
            return fail(Code::invalid, "invalid field ", field);
    }
    return parts;
}

}  // namespace

std::string ports_text(const bj::array& ports) {
    std::vector<Published> all;
    for (const auto& entry : ports) {
        const auto& port = view::as_object(entry);
        all.push_back({std::string(view::string(port, "IP")),
                       std::string(view::string(port, "Type")), view::number(port, "PrivatePort"),
                       view::number(port, "PublicPort")});
    }
    std::sort(all.begin(), all.end(), [](const Published& a, const Published& b) {
        return std::tie(a.inside, a.ip, a.outside, a.type) <
               std::tie(b.inside, b.ip, b.outside, b.type);
    });
    std::vector<Group> open;
    std::vector<std::string> done, mapped;
    for (const auto& port : all) {
        if (!port.ip.empty() && port.outside != port.inside) {
            mapped.push_back(joined_address(port.ip, std::to_string(port.outside)) + "->" +
                             std::to_string(port.inside) + "/" + port.type);
            continue;
        }
        const auto same = std::find_if(open.begin(), open.end(), [&](const Group& group) {
            return group.ip == port.ip && group.type == port.type;
        });
        if (same == open.end()) {
            open.push_back({port.ip, port.type, port.inside, port.inside});
        } else if (same->last + 1 == port.inside) {
            same->last = port.inside;
        } else {
            done.push_back(same->text());
            same->first = same->last = port.inside;
        }
    }
    for (const auto& group : open) done.push_back(group.text());
    done.insert(done.end(), mapped.begin(), mapped.end());
    std::string out;
    for (const auto& part : done) out.append(out.empty() ? "" : ", ").append(part);
    return out;
}

Result<PortOptions> parse_ports(const Strings& published, const Strings& exposed) {
    PortOptions options;
    for (const auto& text : published) {
        const bool long_form = text.find('=') != std::string::npos;
        auto parts = long_form ? take_long_form(text) : take_apart(text);
        auto done = parts ? publish(*parts, options) : Result<void>(parts.error());
        if (!done) return fail(Code::invalid, "publish ", text, ": ", done.error().what);
    }
    for (const auto& text : exposed) {
        auto parts = take_apart(text);
        auto range = parts ? parse_range(parts->inside) : Result<Range>(parts.error());
        if (!range || !parts->outside.empty())
            return fail(Code::invalid, "expose ", text, ": expected a port or a range of ports");
        for (int i = 0; i < range->size(); ++i)
            options.exposed[std::to_string(range->first + i) + "/" + parts->protocol]
                .emplace_object();
    }
    return options;
}

}  // namespace davit::cli
