// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/hosts.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <algorithm>
#include <boost/json.hpp>
#include <cstring>
#include <optional>

namespace davit::oci {
namespace {

constexpr char kDefaultRegistry[] = "docker.io";
constexpr char kDefaultRegistryHost[] = "registry-1.docker.io";
constexpr char kDefaultCredential[] = "https://index.docker.io/v1/";
constexpr std::size_t kMostCertificates = 1 << 20;  // bytes of one PEM file

struct Address {
    int family = AF_UNSPEC;
    std::string bytes;  // network order
};

std::optional<Address> parse_address(const std::string& name) {
    char raw[16];
    if (::inet_pton(AF_INET, name.c_str(), raw) == 1) return Address{AF_INET, std::string(raw, 4)};
    if (::inet_pton(AF_INET6, name.c_str(), raw) == 1)
        return Address{AF_INET6, std::string(raw, 16)};
    return std::nullopt;
}

bool first_bits_equal(const std::string& a, const std::string& b, unsigned bits) {
    for (unsigned bit = 0; bit < bits; ++bit) {
        const auto mask = static_cast<unsigned char>(0x80u >> (bit % 8));
        if (((static_cast<unsigned char>(a[bit / 8]) ^ static_cast<unsigned char>(b[bit / 8])) &
             mask) != 0)
            return false;
    }
    return true;
}

// "10.0.0.0/8" holds 10.1.2.3. Names are never looked up for this: who answers for a name can lie.
bool block_holds(const std::string& block, const std::string& name) {
    const std::size_t slash = block.find('/');
    if (slash == std::string::npos) return false;
    const auto network = parse_address(block.substr(0, slash));
    const auto address = parse_address(name);
    const unsigned long bits = std::strtoul(block.c_str() + slash + 1, nullptr, 10);
    return network && address && network->family == address->family &&
           bits <= network->bytes.size() * 8 &&
           first_bits_equal(network->bytes, address->bytes, static_cast<unsigned>(bits));
}

bool is_authority(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '-' || c == ':' || c == '[' || c == ']' || c == '_';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

std::string real_authority(const std::string& registry) {
    return registry == kDefaultRegistry || registry == "index.docker.io" ? kDefaultRegistryHost
                                                                         : registry;
}

bool ends_with(const std::string& text, std::string_view end) {
    return std::string_view(text).ends_with(end);
}

}  // namespace

Result<Config> Config::parse(std::string_view text) {
    const auto object = TRY(json::parse_object(text.empty() ? "{}" : text, "configuration"));
    Config config;
    config.insecure = TRY(json::get_strings(object, "insecure-registries"));
    config.certificates = {"/etc/davit/certs.d", "/etc/docker/certs.d"};
    if (const auto folder = TRY(json::get_string(object, "certificates")))
        config.certificates = {*folder};
    config.proxies = Proxies::of_environment();
    if (const auto* proxies = TRY(json::get_object(object, "proxies"))) {
        config.proxies.http = TRY(json::get_string(*proxies, "http-proxy", config.proxies.http));
        config.proxies.https = TRY(json::get_string(*proxies, "https-proxy", config.proxies.https));
        config.proxies.none = TRY(json::get_string(*proxies, "no-proxy", config.proxies.none));
    }
    if (const auto* mirrors = TRY(json::get_object(object, "mirrors")))
        for (const auto& member : *mirrors)
            config.mirrors[std::string(member.key())] =
                TRY(json::get_strings(*mirrors, member.key()));
    return config;
}

std::string name_of_authority(std::string_view authority) {
    if (authority.starts_with('['))
        return std::string(authority.substr(1, authority.find(']') - 1));
    return std::string(authority.substr(0, authority.rfind(':')));
}

std::string authority_of_url(std::string_view url) {
    const std::size_t start = url.find("://");
    if (start == std::string_view::npos) return {};
    url.remove_prefix(start + 3);
    return std::string(url.substr(0, url.find_first_of("/?#")));
}

bool is_loopback(std::string_view name) {
    if (name == "localhost") return true;
    const auto address = parse_address(std::string(name));
    if (!address) return false;
    if (address->family == AF_INET) return address->bytes[0] == 127;
    return address->bytes == std::string(15, '\0') + '\1';
}

bool Hosts::is_listed_insecure(const std::string& authority) const {
    const std::string name = name_of_authority(authority);
    return std::any_of(config_.insecure.begin(), config_.insecure.end(),
                       [&](const std::string& entry) {
                           return entry == authority || entry == name || block_holds(entry, name);
                       });
}

bool Hosts::may_be_plain(const std::string& authority) const {
    return is_loopback(name_of_authority(authority)) || is_listed_insecure(authority);
}

Result<void> Hosts::require_allowed(const std::string& url) const {
    const std::string authority = authority_of_url(url);
    if (!is_authority(authority))
        return fail(Code::invalid, "read address ", url, ": no host name");
    if (url.starts_with("https://")) return {};
    if (url.starts_with("http://") && may_be_plain(authority)) return {};
    return fail(Code::denied, "ask ", authority,
                ": it wants to go on without TLS; only loopback and insecure-registries may");
}

Trust Hosts::trust_of(const std::string& authority) const {
    Trust trust;
    trust.verify = !is_listed_insecure(authority);
    trust.direct = is_loopback(name_of_authority(authority));
    for (const std::string& folder : config_.certificates)
        add_certificates(trust, folder + "/" + authority);
    return trust;
}

void Hosts::add_certificates(Trust& trust, const std::string& folder) {
    const Result<Fd> directory = open_directory(folder, O_RDONLY);
    if (!directory) return;
    std::vector<std::string> names = list_names(directory->get()).value_or({});
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        if (ends_with(name, ".crt"))
            trust.authorities +=
                read_file(directory->get(), name, kMostCertificates).value_or("") + "\n";
        if (ends_with(name, ".cert") && trust.certificate.empty()) {
            trust.certificate = folder + "/" + name;
            trust.key = folder + "/" + name.substr(0, name.size() - 5) + ".key";
        }
    }
}

Result<Peer> Hosts::origin(const sdk::Call& call, const std::string& registry) {
    if (!is_authority(registry))
        return fail(Code::invalid, "read registry name: ", registry, " is not a host");
    Peer peer;
    peer.authority = real_authority(registry);
    peer.credential = peer.authority == kDefaultRegistryHost ? kDefaultCredential : registry;
    peer.trust = trust_of(peer.authority);
    peer.base = TRY(find_scheme(call, peer.authority)) + "://" + peer.authority;
    return peer;
}

std::vector<Peer> Hosts::mirrors(const std::string& registry) const {
    std::vector<Peer> peers;
    const auto found = config_.mirrors.find(registry);
    if (found == config_.mirrors.end()) return peers;
    for (std::string url : found->second) {
        while (url.ends_with('/')) url.pop_back();
        if (!require_allowed(url)) continue;
        const std::string authority = authority_of_url(url);
        peers.push_back({url, authority, authority, trust_of(authority), true});
    }
    return peers;
}

void Hosts::forget(const std::string& authority) {
    const std::lock_guard lock(mutex_);
    schemes_.erase(authority);
}

// Everywhere but on loopback and on listed machines the answer is https, whatever the machine says.
Result<std::string> Hosts::find_scheme(const sdk::Call& call, const std::string& authority) {
    if (!may_be_plain(authority)) return std::string("https");
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = schemes_.find(authority); known != schemes_.end())
            return known->second;
    }
    // On loopback plain first: small servers there wait for ever for a line when they are sent a
    // TLS greeting.
    const bool plain_first = is_loopback(name_of_authority(authority));
    HttpProblem problem;
    for (const char* scheme : {plain_first ? "http" : "https", plain_first ? "https" : "http"}) {
        if (!TRY(speaks(call, scheme, authority, problem))) continue;
        const std::lock_guard lock(mutex_);
        schemes_[authority] = scheme;
        return std::string(scheme);
    }
    return problem.error;
}

// Every registry answers GET /v2/ with 200, or 401 and a challenge; a TLS server that is spoken to
// in plain text says 400 or hangs up.
Result<bool> Hosts::speaks(const sdk::Call& call, const std::string& scheme,
                           const std::string& authority, HttpProblem& problem) {
    Request request;
    request.url = scheme + "://" + authority + "/v2/";
    request.trust = trust_of(authority);
    HttpProblem met;
    const Result<Response> response = http_.send(call, request, &met);
    if (response && response->status != 400) return true;
    if (!response && response.error().code != Code::unavailable) return response.error();
    if (problem.error.what.empty() || (!met.no_tls && !met.error.what.empty())) problem = met;
    if (problem.error.what.empty())
        problem.error =
            fail(Code::unavailable, "ask ", authority, ": it does not answer as a registry");
    return false;
}

}  // namespace davit::oci
