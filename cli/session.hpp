// SPDX-License-Identifier: Apache-2.0
// What a command works with: the daemon it was pointed at and the user's configuration. Used by
// every command.
#pragma once

#include "sdk/client/client.hpp"

#include <optional>
#include <string>

namespace davit::cli {

struct GlobalOptions {
    std::string host;        // -H
    std::string config_dir;  // --config
};

class Session {
public:
    explicit Session(GlobalOptions options) : options_(std::move(options)) {}
    // The client of the daemon that -H, DAVIT_HOST or the default name; as root and for the default
    // socket alone, a daemon that is not running is started first. Errors: invalid (a host we
    // cannot speak to), unavailable.
    Result<sdk::Client*> client();
    // Where config.json lies: --config, DOCKER_CONFIG, ~/.docker.
    std::string config_dir() const;

private:
    GlobalOptions options_;
    std::optional<sdk::Client> client_;
};

}  // namespace davit::cli
