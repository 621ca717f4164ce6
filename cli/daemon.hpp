// SPDX-License-Identifier: Apache-2.0
// The start of a daemon that is not running. Used by session.cpp.
#pragma once

#include "sdk/base/result.hpp"

#include <string>

namespace davit::cli {

constexpr const char* kDefaultSocket = "/run/davit/davit.sock";

// Whether a daemon may be started for the default socket: we are root, a davitd lies beside this
// program and systemd does not own the socket.
bool may_start_daemon();
// Starts the davitd that lies beside this program, waits until it is ready (5 s at most) and says
// so once on stderr. One of several that try at once starts it, the others wait. Errors: deadline,
// unavailable; they name the log.
Result<void> start_daemon();

}  // namespace davit::cli
