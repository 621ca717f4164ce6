// SPDX-License-Identifier: Apache-2.0
// The number by which the kernel knows another network namespace, seen from this one. It stays the
// same while both live, whoever comes and goes, so that a namespace nobody holds a descriptor of
// can still be asked for its links (link.hpp). Once a namespace is gone another may get its number:
// what is found there has to be looked at. No state of its own.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/netlink/route_socket.hpp"

namespace davit::sdk {

// Gives the namespace a number if it has none. In the namespace of `socket`. Errors: invalid when
// `netns` is no namespace.
Result<int> namespace_id(RouteSocket& socket, int netns);

}  // namespace davit::sdk
