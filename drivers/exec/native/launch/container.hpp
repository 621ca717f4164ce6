// SPDX-License-Identifier: Apache-2.0
// The child of a launcher: what it does between its clone and the execution of the program, in
// their order.
#pragma once

#include "drivers/exec/native/launch/package.hpp"
#include "sdk/base/fd.hpp"

namespace davit::native {

// The child's ends. Empty ones come from the terminal.
struct ChildStdio {
    Fd input;
    Fd output;
    Fd errors;
};

// Never returns. Tells the launcher over `sync` that it is ready (with the terminal's master, if
// there is one), or what failed; goes on at the byte that answers; then says what failed, or closes
// `sync` by executing.
[[noreturn]] void run_child(const Package& package, ChildStdio stdio, const Fd& sync);

}  // namespace davit::native
