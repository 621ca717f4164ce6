// SPDX-License-Identifier: Apache-2.0
// The daemon is a child subreaper (seams rule 8): when a launcher is killed from outside, what it
// ran becomes a child of ours. A zombie inside a container's pid namespace keeps that namespace,
// and with it the container's first process, from ever ending; so such orphans are reaped.
#pragma once

namespace davit::daemon {

// Reaps children that ended inside a pid namespace below ours and are not its first process: the
// exec driver waits for that one and for its launchers itself. To be called on SIGCHLD; main thread
// only.
void reap_orphans();

}  // namespace davit::daemon
