// SPDX-License-Identifier: Apache-2.0
// The unix sockets of the API (seams rules 1 and 16). No state; thread-safe.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <string>

namespace davit::engine {

// Binds and listens. The socket is root:<group> 0660 where the group exists, else root:root 0600,
// from the first moment. A stale file is replaced; one that somebody answers on is `exists`.
// Paths of any length work.
Result<Fd> listen_on(const std::string& path, const std::string& group);
void remove_socket(const std::string& path);

}  // namespace davit::engine
