// SPDX-License-Identifier: Apache-2.0
// Network settings of the kernel under /proc/sys/net, in the network namespace of the calling
// thread. No state.
#pragma once

#include "sdk/base/result.hpp"

#include <string>

namespace davit::sdk {

// `path` below /proc/sys/net: "ipv4/conf/davit0/route_localnet". Errors: not_found; denied.
Result<void> write_sysctl(const std::string& path, const std::string& value);
// Without the line's end.
Result<std::string> read_sysctl(const std::string& path);
// Whether this kernel speaks IPv6 at all (it may be switched off at boot).
bool has_ipv6();

}  // namespace davit::sdk
