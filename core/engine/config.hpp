// SPDX-License-Identifier: Apache-2.0
// What davitd is told: built-in defaults, then /etc/davit/daemon.json, then the command line. Read
// once at start, then only looked at. Every key is described in
// docs/operator-guide/configuration.md, made from the schema in config_schema.cpp. Plain data.
#pragma once

#include "core/plugin/catalog.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::engine {

inline constexpr std::string_view kConfigFile = "/etc/davit/daemon.json";

// Subnets for networks that name none: `base` is cut into pieces of `size` bits.
struct AddressPool {
    std::string base;  // "172.17.0.0/16"
    std::uint32_t size = 0;
};

// One of `hosts`.
struct Listen {
    enum class Kind { unix_socket, tcp, inherited } kind = Kind::unix_socket;
    std::string path;        // of the unix socket; tcp: the address, "127.0.0.1" or "::1"
    std::uint16_t port = 0;  // tcp
    bool operator==(const Listen&) const = default;
};

// PEM files of TCP listeners.
struct TlsFiles {
    std::string certificate, key, authorities;
    bool verify = false;  // serve only clients whose certificate `authorities` signed
};

struct Config {
    // Paths; all absolute, without "." or "..".
    std::string data_root = "/var/lib/davit";
    std::string exec_root = "/run/davit";
    std::string pidfile;              // default: <exec-root>/davitd.pid
    std::vector<Listen> hosts;        // default: the unix socket <exec-root>/davit.sock
    std::optional<TlsFiles> tls;      // of TCP listeners
    std::string group = "davit";      // of the sockets, where such a group exists
    std::vector<std::string> labels;  // "key=value"
    std::string log_level = "info";   // debug, info, warn, error, fatal
    bool live_restore = true;         // containers run on when davitd ends
    int ready_fd = -1;                // a line goes there once requests are served
    std::string cgroup_parent;        // default: /davit-<scope>
    std::string scope;                // first 8 hex digits of SHA-256(data_root)

    // New containers' logs.
    std::string log_driver = "json-file";
    std::map<std::string, std::string> log_options;

    // The default bridge network.
    std::string bridge;  // name of its link; empty: davit0 or the first free name
    std::string bip;     // its address, "172.17.0.1/16"; empty: from the pools
    std::uint32_t mtu = 0;
    std::vector<AddressPool> address_pools;

    // Registries: asked for docker.io first; reached over HTTP or with certificates that nobody
    // checks.
    std::map<std::string, std::vector<std::string>> mirrors;  // "docker.io" -> addresses, in order
    std::vector<std::string> insecure_registries;             // host, host:port, or CIDR
    std::map<std::string, std::string> proxies;  // "http-proxy", "https-proxy", "no-proxy"
    std::string credentials_file;                // as `docker login` writes it; empty: none

    // Drivers.
    std::vector<std::string> driver_path;
    std::vector<plugin::InstanceSettings> instances;
    std::map<std::string, std::string, std::less<>> defaults;  // by kind: the instance to use
};

// What the command line asks for.
struct Invocation {
    enum class Action { serve, validate, print } action = Action::serve;
    Config config;
    std::string text;  // print: for stdout; --help and --version
};

// Reads the command line and the file it names or, when there is one, the default file. `argv` as
// of main. Errors: invalid, in words for the operator: unknown flags and keys with the nearest
// known one and, for the file, its line; a setting given both as a flag and in the file;
// unsupported for what dockerd knows and Davit does not yet.
// With --validate also what the catalog says: unknown drivers, configurations that their schemas do
// not allow.
Result<Invocation> read_invocation(int argc, const char* const* argv);

// The settings of the catalog: folders to search, instances, defaults. `log` receives the drivers'
// lines; open_state is left for the caller to set.
Result<plugin::CatalogSettings> catalog_settings(const Config& config, plugin::DriverLog log);

// First 8 hex digits of SHA-256(data_root): what tells this engine from others on the host.
std::string scope_of(const std::string& data_root);

}  // namespace davit::engine
