// SPDX-License-Identifier: Apache-2.0
// What davitd tells systemd, as sd_notify(3) does. A library for one datagram would be mapped into
// every daemon. No state.
#pragma once

#include <string_view>

namespace davit::daemon {

// "READY=1", "STOPPING=1". Where nobody asked for it (NOTIFY_SOCKET), nothing happens.
void notify_service_manager(std::string_view state);

}  // namespace davit::daemon
