// SPDX-License-Identifier: Apache-2.0
#include "cli/session.hpp"

#include "cli/contexts.hpp"
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

std::string Session::context_name() const {
    if (!options_.context.empty()) return options_.context;
    if (!options_.host.empty() || !environment("DAVIT_HOST").empty())
        return std::string(kDefaultContext);
    return current_context();
}

// -H and --context are two answers to one question.
Result<Target> Session::target() const {
    if (!options_.host.empty() && !options_.context.empty())
        return fail(Code::invalid, "--host and --context both name an engine: give one");
    Target target;
    target.host = options_.host.empty() && options_.context.empty() ? environment("DAVIT_HOST")
                                                                    : options_.host;
    if (target.host.empty()) target = TRY(load_context(context_name())).target;
    TlsOptions& tls = target.tls;
    const TlsOptions& given = options_.tls;
    tls.tls |= given.tls || given.verify;
    tls.verify |= given.verify;
    for (auto member : {&TlsOptions::authorities, &TlsOptions::certificate, &TlsOptions::key})
        if (!(given.*member).empty()) tls.*member = given.*member;
    if (target.host.starts_with("tcp://")) add_tls_environment(tls);
    return target;
}

Result<sdk::Address> Session::address() const { return address_of(TRY(target())); }

Result<sdk::Client*> Session::client() {
    if (client_) return &*client_;
    const auto wanted = TRY(target());
    client_.emplace(TRY(address_of(wanted)));
    auto connected = client_->connect();
    const int error = connected ? 0 : connected.error().os_errno;
    if (wanted.host.empty() && (error == ENOENT || error == ECONNREFUSED) && may_start_daemon()) {
        TRY(start_daemon());
        connected = client_->connect();
    }
    if (!connected) {
        if (error == ENOENT || error == ECONNREFUSED)
            connected.error().what += "; is davitd running? (-H or DAVIT_HOST name another socket)";
        if (error == EACCES)
            connected.error().what += "; you need to be root or of the group that " +
                                      client_->address().shown + " belongs to";
        return std::move(connected).error();
    }
    return &*client_;
}

Result<void> Session::export_to_docker() const {
    const auto wanted = TRY(target());
    const auto set = [](const char* name, const std::string& value) {
        value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
    };
    const auto& host = wanted.host;
    set("DOCKER_HOST", host.empty()            ? std::string("unix://") + kDefaultSocket
                       : host.starts_with('/') ? "unix://" + host
                                               : host);
    set("DOCKER_CONTEXT", "");
    set("DOCKER_CONFIG", config_dir());
    // docker's programs look for ca.pem, cert.pem and key.pem in one folder.
    const auto& tls = wanted.tls;
    set("DOCKER_TLS_VERIFY", tls.verify ? "1" : "");
    set("DOCKER_CERT_PATH", tls.certificate.substr(0, tls.certificate.rfind('/')));
    return {};
}

std::string Session::config_dir() const {
    if (!options_.config_dir.empty()) return options_.config_dir;
    if (auto dir = environment("DOCKER_CONFIG"); !dir.empty()) return dir;
    const auto home = environment("HOME");
    return (home.empty() ? std::string("/root") : home) + "/.docker";
}

}  // namespace davit::cli
