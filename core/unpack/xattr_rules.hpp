// SPDX-License-Identifier: Apache-2.0
// Which extended attributes of an archive reach the layer (rules ). No state.
#pragma once

#include "core/unpack/archive.hpp"

namespace davit::unpack {

// Errors: invalid when one of them would forge what the overlay file system keeps for itself
// (deletions, redirections).
Result<void> check_xattrs(const std::vector<Xattr>& xattrs);

// Sets user.* and security.capability; others are the host's business (labels, ACLs of its users)
// and left out.
Result<void> set_xattrs(int file, const std::vector<Xattr>& xattrs);

}  // namespace davit::unpack
