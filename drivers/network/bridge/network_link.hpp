// SPDX-License-Identifier: Apache-2.0
// The bridge of a network on the host: made, mended and removed. Thread-safe: no state.
#pragma once

#include "network_settings.hpp"
#include "sdk/base/result.hpp"
#include "sdk/netlink/link.hpp"

#include <string>
#include <vector>

namespace davit::bridge {

struct RaisedBridge {
    int index = 0;
    std::vector<std::string>
        mended;  // what was missing, in words; for a new bridge "it was not there" alone
};
// Leaves a bridge that is up, with its addresses, its settings and `alias`, whatever of it was
// there before. Errors: exists when a link of that name carries another alias. A bridge that was
// new is removed on failure.
Result<RaisedBridge> raise_bridge(const NetworkSettings& settings, const std::string& alias);

// Removes the link called `name` if it carries `alias`; else nothing.
Result<void> remove_bridge(const std::string& name, const std::string& alias);

// Lets the host forward packets of the families that the network has. Returns the settings that it
// had to change.
Result<std::vector<std::string>> switch_forwarding_on(const NetworkSettings& settings);

}  // namespace davit::bridge
