// SPDX-License-Identifier: Apache-2.0
// The last steps of a container's process: who it is, what it may do, and its execution. In the
// launcher's child.
#pragma once

#include "drivers/exec/native/launch/package.hpp"

namespace davit::native {

// Takes on limits, directory, identity, capabilities and the seccomp filter, and executes. Returns
// only when that failed. With kInit it splits first: process 1 stays behind, with the same rights.
// Errors: not_found or denied for the program, in words from which clients derive 127 and 126.
Error become_program(const Package& package);

}  // namespace davit::native
