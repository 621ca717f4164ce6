// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/docker_api.hpp"

namespace davit::docker_api {

Result<std::unique_ptr<DockerApi>> DockerApi::open(const sdk::Call&, const davit_open& request) {
    const sdk::Host host(request.host);
    const auto* table = host.get<davit_engine>(DAVIT_ENGINE);
    if (table == nullptr || !DAVIT_CAN(table, submit) || !DAVIT_CAN(table, query) ||
        !DAVIT_CAN(table, subscribe))
        return fail(Code::unsupported, "open docker-api: this host has no " DAVIT_ENGINE);
    return std::unique_ptr<DockerApi>(new DockerApi(host, Engine{request.host, table}));
}

Result<void> DockerApi::start(const sdk::Call&, const davit_service_start& request) {
    if (server_) return fail(Code::conflict, "start docker-api: it serves already");
    std::vector<int> listeners(request.listeners, request.listeners + request.listener_count);
    auto warn = [host = host_](const std::string& line) { host.log(DAVIT_LOG_WARNING, line); };
    server_ = TRY(Server::start(engine_, std::move(listeners), std::move(warn)));
    return {};
}

Result<void> DockerApi::stop(const sdk::Call&) {
    server_.reset();
    return {};
}

}  // namespace davit::docker_api
