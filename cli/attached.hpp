// SPDX-License-Identifier: Apache-2.0
// A container used from this terminal until it ends: attach and wait are under way before it
// starts, so that nothing it writes and no exit is missed. Used by run, start -a and attach.
#pragma once

#include "cli/container_options.hpp"
#include "sdk/client/containers.hpp"

#include <functional>
#include <string>

namespace davit::cli {

struct AttachedRun {
    sdk::Client& client;
    std::string id;
    bool tty = false;
    AttachedStreams streams;
    std::string detach_keys;  // as the user wrote them; empty: ctrl-p,ctrl-q
    bool pass_signals = true;
    std::string_view wait_for;                 // condition of the wait
    std::function<Result<void>()> start = {};  // empty: it runs already
};

// Returns the container's exit code; 0 when the user detached, 128+n when signal n ended us.
Result<int> run_attached(AttachedRun run);

// Fails when a terminal is wanted for stdin and stdin is none.
Result<void> check_terminal(bool tty, bool input);

// The exit status for an error of the daemon's about a program that it was to start: 127 not found,
// 126 not executable, else `other`. Read from the words, as docker's CLI does.
int status_of_start_error(const std::string& what, int other);

}  // namespace davit::cli
