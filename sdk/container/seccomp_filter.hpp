// SPDX-License-Identifier: Apache-2.0
// Installs a compiled seccomp filter. Kept apart from the compiler (seccomp.hpp), so that small
// programs need no library. Used by the launcher and the unpacker.
#pragma once

#include "sdk/base/result.hpp"

#include <string_view>

namespace davit::sdk {

// `program`: an array of struct sock_filter. Holds for this thread and all that it starts, for
// ever. Needs no_new_privs or CAP_SYS_ADMIN. Errors: invalid for a program that the kernel refuses.
Result<void> install_seccomp(std::string_view program);

// Nothing executed from here on gains privileges by set-user-id bits or file capabilities.
Result<void> set_no_new_privileges();

}  // namespace davit::sdk
