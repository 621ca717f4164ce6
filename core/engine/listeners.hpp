// SPDX-License-Identifier: Apache-2.0
// The sockets that the API is served on: bound here, or handed over by systemd. No state.
#pragma once

#include "core/engine/config.hpp"
#include "sdk/base/fd.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::engine {

struct Listener {
    Fd socket;
    std::string address;    // "unix:///run/davit/davit.sock", "tcp://127.0.0.1:2375"
    std::string remove_at;  // of a unix socket that was bound here: its path
};

// All that `config` asks for, in its order. A TCP port that others than this host reach is served
// over TLS alone; one on loopback without TLS is warned of, since every process of the host, and
// of a container that shares its network, is root there. Errors: DENIED, EXISTS, UNAVAILABLE; for
// fd:// NOT_FOUND when systemd handed nothing over.
Result<std::vector<Listener>> open_listeners(const Config& config,
                                             const std::function<void(const std::string&)>& warn);

}  // namespace davit::engine
