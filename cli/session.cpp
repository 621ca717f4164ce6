// SPDX-License-Identifier: Apache-2.0
#include "cli/session.hpp"

#include "cli/daemon.hpp"

#include <cerrno>
#include <cstdlib>

namespace davit::cli {
namespace {

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace

Result<sdk::Client*> Session::client() {
    if (client_) return &*client_;
    const auto host = options_.host.empty() ? environment("DAVIT_HOST") : options_.host;
    client_.emplace(host.empty() ? std::string(kDefaultSocket) : TRY(socket_of_host(host)));
    auto connected = client_->connect();
    const int error = connected ? 0 : connected.error().os_errno;
    if (host.empty() && (error == ENOENT || error == ECONNREFUSED) && may_start_daemon()) {
        TRY(start_daemon());
        connected = client_->connect();
    }
    if (!connected) {
        const auto& path = client_->socket_path();
        if (error == ENOENT || error == ECONNREFUSED)
            connected.error().what += "; is davitd running? (-H or DAVIT_HOST name another socket)";
        if (error == EACCES)
            connected.error().what +=
                "; you need to be root or of the group that " + path + " belongs to";
        return std::move(connected).error();
    }
    return &*client_;
}

std::string Session::config_dir() const {
    if (!options_.config_dir.empty()) return options_.config_dir;
    if (auto dir = environment("DOCKER_CONFIG"); !dir.empty()) return dir;
    const auto home = environment("HOME");
    return (home.empty() ? std::string("/root") : home) + "/.docker";
}

}  // namespace davit::cli
