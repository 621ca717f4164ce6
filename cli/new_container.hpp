// SPDX-License-Identifier: Apache-2.0
// Creating a container with its image fetched when it is not there. Used by run and create.
#pragma once

#include "cli/container_options.hpp"
#include "cli/session.hpp"

namespace davit::cli {

// Returns the id; warnings and a pull's progress go to stderr. Errors: the daemon's; exists
// (--cidfile).
Result<std::string> create_container(Session& session, sdk::Client& client,
                                     const ContainerOptions& options, const std::string& image,
                                     boost::json::object body);

}  // namespace davit::cli
