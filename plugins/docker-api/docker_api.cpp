// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/docker_api.hpp"

#include "sdk/base/json.hpp"
#include "sdk/plugin/value.hpp"

#include <boost/json/object.hpp>

namespace davit::docker_api {

namespace {

// What the manifest's schema has checked.
Result<std::optional<tls::Context>> read_tls(std::string_view config) {
    const auto settings = TRY(json::parse_object(config.empty() ? "{}" : config, "configuration"));
    const auto* const given = TRY(json::get_object(settings, "tls"));
    if (given == nullptr) return std::optional<tls::Context>();
    const tls::Files files{.certificate = TRY(json::get_string(*given, "certificate", "")),
                           .key = TRY(json::get_string(*given, "key", "")),
                           .authorities = TRY(json::get_string(*given, "authorities", ""))};
    return std::optional(
        TRY(tls::Context::server(files, TRY(json::get_bool(*given, "verify", true)))));
}

}  // namespace

Result<std::unique_ptr<DockerApi>> DockerApi::open(const sdk::Call&, const davit_open& request) {
    const sdk::Host host(request.host);
    const auto* table = host.get<davit_engine>(DAVIT_ENGINE);
    if (table == nullptr || !DAVIT_CAN(table, submit) || !DAVIT_CAN(table, query) ||
        !DAVIT_CAN(table, subscribe))
        return fail(Code::unsupported, "open docker-api: this host has no " DAVIT_ENGINE);
    return std::unique_ptr<DockerApi>(
        new DockerApi(host, Engine{request.host, table},
                      TRY(read_tls(sdk::view(request.config)).context("open docker-api"))));
}

Result<void> DockerApi::start(const sdk::Call&, const davit_service_start& request) {
    if (server_) return fail(Code::conflict, "start docker-api: it serves already");
    std::vector<Server::Listener> listeners;
    for (std::uint32_t at = 0; at < request.listener_count; ++at) {
        const bool network = sdk::view(request.addresses[at]).starts_with("tcp://");
        listeners.push_back({.fd = request.listeners[at], .secure = network && tls_});
    }
    auto warn = [host = host_](const std::string& line) { host.log(DAVIT_LOG_WARNING, line); };
    server_ = TRY(Server::start(engine_, std::move(listeners), tls_, std::move(warn)));
    return {};
}

Result<void> DockerApi::stop(const sdk::Call&) {
    server_.reset();
    return {};
}

}  // namespace davit::docker_api
