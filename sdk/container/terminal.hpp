// SPDX-License-Identifier: Apache-2.0
// A container's terminal: made in the container's own devpts, never reached by a path that somebody
// inside could swap (rule R-14). Used by the launcher's child.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/container/rootfs.hpp"

#include <cstdint>

namespace davit::sdk {

struct Terminal {
    Fd master;
    Fd slave;
};

// Makes a terminal from the devpts mounted at /dev/pts below `root`. Errors: denied when something
// else is there.
Result<Terminal> open_terminal(int root);
// The size that programs inside see; zero for both leaves it.
Result<void> resize_terminal(int master, std::uint16_t rows, std::uint16_t columns);
// Shows the slave as /dev/console. Before the root is entered.
Result<void> show_console(const Root& root, const Terminal& terminal);
// Makes the slave the controlling terminal of the calling session leader, and its descriptors 0, 1
// and 2.
Result<void> take_terminal(const Fd& slave);

}  // namespace davit::sdk
