// SPDX-License-Identifier: Apache-2.0
// The minimal init of `--init`: process 1 of the container is the launcher's own code, from the
// sealed copy that nothing can write. It reaps orphans, passes signals on, and ends as the program
// ends.
#pragma once

#include "sdk/base/result.hpp"

namespace davit::native {

// Returns in a new process, which goes on to become the program. The old one stays as process 1,
// closes everything and never returns.
Result<void> split_off_init();

}  // namespace davit::native
