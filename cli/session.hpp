// SPDX-License-Identifier: Apache-2.0
// What a command works with: the daemon it was pointed at and the user's configuration. Used by
// every command.
#pragma once

#include "cli/target.hpp"
#include "sdk/client/client.hpp"

#include <optional>
#include <string>

namespace davit::cli {

struct GlobalOptions {
    std::string host;        // -H
    std::string config_dir;  // --config
    std::string context;     // --context
    TlsOptions tls;          // --tls…
};

class Session {
public:
    explicit Session(GlobalOptions options) : options_(std::move(options)) {}
    // The client of the daemon that -H, DAVIT_HOST, the context or the default name; as root and
    // for the default socket alone, a daemon that is not running is started first. Errors: invalid
    // (a host we cannot speak to), unavailable.
    Result<sdk::Client*> client();
    // Where that engine is. Errors: invalid.
    Result<sdk::Address> address() const;
    // --context, DAVIT_CONTEXT, what `context use` chose; "default" when -H or DAVIT_HOST decide.
    std::string context_name() const;
    // Sets DOCKER_HOST and what belongs to it, for programs that know docker's variables only.
    Result<void> export_to_docker() const;
    // Where config.json lies: --config, DOCKER_CONFIG, ~/.docker.
    std::string config_dir() const;

private:
    Result<Target> target() const;

    GlobalOptions options_;
    std::optional<sdk::Client> client_;
};

}  // namespace davit::cli
