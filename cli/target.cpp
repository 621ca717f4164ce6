// SPDX-License-Identifier: Apache-2.0
#include "cli/target.hpp"

#include "cli/contexts.hpp"
#include "cli/daemon.hpp"

#include <unistd.h>
#include <climits>
#include <cstdlib>

namespace davit::cli {
namespace {

using Words = std::vector<std::string>;

// A program that was installed with this one.
std::string beside_us(std::string_view name) {
    char path[PATH_MAX];
    const auto length = ::readlink("/proc/self/exe", path, sizeof path);
    const std::string self(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    return self.substr(0, self.rfind('/') + 1).append(name);
}

struct Parts {
    std::string user, host, port, path;
};

// "user@host:port/path"; an address of version 6 in brackets.
Result<Parts> split(const std::string& url, std::string_view scheme) {
    Parts parts;
    std::string rest = url.substr(scheme.size());
    if (const auto slash = rest.find('/'); slash != std::string::npos) {
        parts.path = rest.substr(slash);
        rest.resize(slash);
    }
    if (const auto at = rest.rfind('@'); at != std::string::npos) {
        parts.user = rest.substr(0, at);
        rest.erase(0, at + 1);
    }
    const auto bracket = rest.find(']');
    const auto colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
    if (colon != std::string::npos) {
        parts.port = rest.substr(colon + 1);
        rest.resize(colon);
    }
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    // ssh would take a host that begins with a dash for an option.
    if (rest.empty() || rest.starts_with('-') || parts.user.starts_with('-'))
        return fail(Code::invalid, "use host ", url, ": it names no host");
    parts.host = std::move(rest);
    return parts;
}

Result<sdk::Address> dial(const Target& target) {
    auto parts = TRY(split(target.host, "tcp://"));
    const auto& tls = target.tls;
    const bool secure = tls.tls || tls.verify;
    if (parts.port.empty()) parts.port = secure ? "2376" : "2375";
    Words command{beside_us("davit-dial")};
    if (secure) command.emplace_back(tls.verify ? "--tlsverify" : "--tls");
    const auto add = [&](std::string_view flag, const std::string& file) {
        if (secure && !file.empty()) command.insert(command.end(), {std::string(flag), file});
    };
    add("--tlscacert", tls.authorities);
    add("--tlscert", tls.certificate);
    add("--tlskey", tls.key);
    command.insert(command.end(), {parts.host, parts.port});
    return sdk::Address(std::move(command), target.host);
}

Result<sdk::Address> through_ssh(const Target& target) {
    const auto parts = TRY(split(target.host, "ssh://"));
    Words command{"ssh", "-o", "ConnectTimeout=30", "-T"};
    if (!parts.user.empty()) command.insert(command.end(), {"-l", parts.user});
    if (!parts.port.empty()) command.insert(command.end(), {"-p", parts.port});
    command.insert(command.end(), {"--", parts.host, "davit"});
    // A path is the socket's on that host; ssh hands the words to a shell there.
    if (parts.path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789/._-") != std::string::npos)
        return fail(Code::invalid, "use host ", target.host, ": the path holds odd characters");
    if (parts.path.size() > 1) command.insert(command.end(), {"-H", "unix://" + parts.path});
    command.insert(command.end(), {"system", "dial-stdio"});
    return sdk::Address(std::move(command), target.host);
}

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace

Result<sdk::Address> address_of(const Target& target) {
    const auto& host = target.host;
    if (host.empty()) return sdk::Address(kDefaultSocket);
    if (host.starts_with("tcp://")) return dial(target);
    if (host.starts_with("ssh://")) return through_ssh(target);
    std::string_view path = host;
    if (path.starts_with("unix://")) path.remove_prefix(7);
    if (path.starts_with('/')) return sdk::Address(std::string(path));
    return fail(Code::invalid, "use host ", host,
                ": expected unix:///path/to/davit.sock, tcp://host:port or ssh://user@host");
}

void add_tls_environment(TlsOptions& tls) {
    tls.verify |= !environment("DAVIT_TLS_VERIFY").empty();
    tls.tls |= tls.verify || !environment("DAVIT_TLS").empty();
    if (!tls.tls) return;
    auto folder = environment("DAVIT_CERT_PATH");
    if (folder.empty()) folder = own_folder();
    const auto fill = [&](std::string& file, const char* name) {
        if (file.empty() && ::access((folder + name).c_str(), F_OK) == 0) file = folder + name;
    };
    fill(tls.authorities, "/ca.pem");
    fill(tls.certificate, "/cert.pem");
    fill(tls.key, "/key.pem");
}

}  // namespace davit::cli
