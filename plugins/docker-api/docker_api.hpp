// SPDX-License-Identifier: Apache-2.0
// The service driver "docker-api": the Docker Engine API over HTTP. davit/draft/service.h has its
// contract.
#pragma once

#include "plugins/docker-api/server.hpp"
#include "sdk/plugin/service_driver.hpp"

#include <memory>
#include <optional>

namespace davit::docker_api {

class DockerApi final : public sdk::ServiceDriver {
public:
    static Result<std::unique_ptr<DockerApi>> open(const sdk::Call& call,
                                                   const davit_open& request);

    Result<void> start(const sdk::Call& call, const davit_service_start& request) override;
    Result<void> stop(const sdk::Call& call) override;

private:
    DockerApi(sdk::Host host, Engine engine, std::optional<tls::Context> tls)
        : host_(host), engine_(engine), tls_(std::move(tls)) {}

    sdk::Host host_;
    Engine engine_;
    std::optional<tls::Context> tls_;  // for listeners of tcp://
    std::unique_ptr<Server> server_;   // while it serves
};

}  // namespace davit::docker_api
