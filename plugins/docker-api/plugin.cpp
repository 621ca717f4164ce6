// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/docker_api.hpp"

DAVIT_DRIVER(ServiceDriver, "service", "docker-api", davit::docker_api::DockerApi)
