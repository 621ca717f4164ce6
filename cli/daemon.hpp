// SPDX-License-Identifier: Apache-2.0
// Which daemon a host names, and the start of one that is not running. Used by session.cpp.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::cli {

constexpr const char* kDefaultSocket = "/run/davit/davit.sock";

// "unix:///run/x.sock" or a path → the path. Errors: invalid for other schemes.
Result<std::string> socket_of_host(std::string_view host);

// Whether a daemon may be started for the default socket: we are root, a davitd lies beside this
// program and systemd does not own the socket.
bool may_start_daemon();
// Starts the davitd that lies beside this program, waits until it is ready (5 s at most) and says
// so once on stderr. One of several that try at once starts it, the others wait. Errors: deadline,
// unavailable; they name the log.
Result<void> start_daemon();

}  // namespace davit::cli
