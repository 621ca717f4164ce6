// SPDX-License-Identifier: Apache-2.0
// The daemon's and the drivers' log: one line on stderr each, for the journal or a file.
// Thread-safe.
#pragma once

#include "core/engine/engine.hpp"

#include <string>

namespace davit::daemon {

// `level` as in the configuration: debug, info, warn, error, fatal.
engine::Log make_logger(const std::string& level);

}  // namespace davit::daemon
