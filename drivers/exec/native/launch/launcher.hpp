// SPDX-License-Identifier: Apache-2.0
// The launcher from the driver's specification to the end of the process it watches.
#pragma once

#include "sdk/base/fd.hpp"

namespace davit::native {

// Returns the launcher's own exit status; what went wrong was said over `channel`.
int run_launcher(Fd channel);

}  // namespace davit::native
