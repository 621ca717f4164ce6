// SPDX-License-Identifier: Apache-2.0
// docker's CLI plugins: programs docker-NAME in docker's folders, which answer to
// `docker-cli-plugin-metadata`. Used by main.cpp.
#pragma once

#include "cli/session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::cli {

// The plugin for `davit NAME`; nothing where there is none. Errors: invalid, for one that is there
// and does not speak the protocol.
Result<std::optional<std::string>> find_plugin(const Session& session, const std::string& name);

// Becomes the plugin, with the engine of the session as its DOCKER_HOST. Returns only on failure.
Error become_plugin(const Session& session, const std::string& program,
                    const std::vector<std::string>& words);

}  // namespace davit::cli
