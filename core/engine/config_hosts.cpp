// SPDX-License-Identifier: Apache-2.0
// "hosts" and "tls*" of daemon.json.
#include "core/engine/config_source.hpp"
#include "sdk/base/json.hpp"

#include <arpa/inet.h>
#include <boost/json.hpp>
#include <charconv>
#include <filesystem>

namespace davit::engine {
namespace {

constexpr std::uint16_t kPlainPort = 2375, kTlsPort = 2376;  // registered for docker
constexpr std::string_view kTlsFolder = "/etc/davit/tls";

Result<Listen> unix_socket(const std::string& host, std::string path,
                           const std::string& exec_root) {
    if (path.empty()) path = exec_root + "/davit.sock";
    if (path.front() != '/')
        return fail(Code::invalid, "listen on ", host, ": the path must be absolute");
    return Listen{.kind = Listen::Kind::unix_socket,
                  .path = std::filesystem::path(path).lexically_normal().string()};
}

// "10.0.0.1:2376", "[::1]:2376", "localhost", ":2376". Names would have to be asked for at start.
Result<Listen> tcp_port(const std::string& host, std::string address, bool secure) {
    const auto bracket = address.find(']');
    const auto colon = address.find(':', bracket == std::string::npos ? 0 : bracket);
    std::uint16_t port = secure ? kTlsPort : kPlainPort;
    if (colon != std::string::npos) {
        const auto* const end = address.data() + address.size();
        const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, port);
        if (error != std::errc() || stop != end)
            return fail(Code::invalid, "listen on ", host, ": expected tcp://address:port");
        address.resize(colon);
    }
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    if (address.empty() || address == "localhost") address = "127.0.0.1";
    in6_addr bytes{};
    if (::inet_pton(AF_INET, address.c_str(), &bytes) != 1 &&
        ::inet_pton(AF_INET6, address.c_str(), &bytes) != 1)
        return fail(Code::invalid, "listen on ", host, ": ", address,
                    " is no address; names are not looked up");
    return Listen{.kind = Listen::Kind::tcp, .path = address, .port = port};
}

Result<Listen> listen_of(const std::string& host, const std::string& exec_root, bool secure) {
    const auto after = [&](std::string_view scheme) { return host.substr(scheme.size()); };
    if (host.starts_with("unix://")) return unix_socket(host, after("unix://"), exec_root);
    if (host.starts_with("tcp://")) return tcp_port(host, after("tcp://"), secure);
    if (host == "fd://" || host == "fd://*") return Listen{.kind = Listen::Kind::inherited};
    return fail(Code::invalid, "listen on ", host,
                ": expected unix:///path, tcp://address:port or fd://");
}

}  // namespace

Result<std::optional<TlsFiles>> read_tls(const boost::json::object& settings) {
    const bool verify = TRY(json::get_bool(settings, "tlsverify", false));
    // As in docker's daemon, tlsverify means tls whatever that one says.
    if (!TRY(json::get_bool(settings, "tls", false)) && !verify) return std::optional<TlsFiles>();
    const auto file = [&](std::string_view key, std::string_view name) {
        return json::get_string(settings, key, std::string(kTlsFolder).append("/").append(name));
    };
    return std::optional(TlsFiles{.certificate = TRY(file("tlscert", "cert.pem")),
                                  .key = TRY(file("tlskey", "key.pem")),
                                  .authorities = TRY(file("tlscacert", "ca.pem")),
                                  .verify = verify});
}

Result<std::vector<Listen>> read_hosts(const boost::json::object& settings,
                                       const std::string& exec_root, bool secure) {
    auto hosts = TRY(json::get_strings(settings, "hosts"));
    if (hosts.empty()) hosts.emplace_back("unix://");
    std::vector<Listen> all;
    for (const auto& host : hosts) all.push_back(TRY(listen_of(host, exec_root, secure)));
    return all;
}

// What the service driver is told, under the names of its schema.
std::string service_settings(const Config& config) {
    if (!config.tls) return "{}";
    const TlsFiles& files = *config.tls;
    boost::json::object tls{
        {"certificate", files.certificate}, {"key", files.key}, {"verify", files.verify}};
    if (files.verify) tls["authorities"] = files.authorities;
    return boost::json::serialize(boost::json::object{{"tls", std::move(tls)}});
}

}  // namespace davit::engine
