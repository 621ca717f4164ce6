// SPDX-License-Identifier: Apache-2.0
// Who a container's process runs as: names become numbers here, read from the container's own
// /etc/passwd and /etc/group through its root descriptor (rules ). Thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace davit::container {

struct User {
    std::uint32_t uid = 0, gid = 0;
    std::vector<std::uint32_t> groups;  // supplementary; the primary group is always among them
    std::string home = "/";
};

// `spec`: "", "user", "uid", "user:group", "uid:gid" and mixtures. A number is never looked up as a
// name. `group_add`: names or numbers. Errors: invalid when a name is unknown or a number is out of
// range; invalid when a user database is no regular file or too large.
Result<User> resolve_user(int root, const std::string& spec,
                          const std::vector<std::string>& group_add);

}  // namespace davit::container
