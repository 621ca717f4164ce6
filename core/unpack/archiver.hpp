// SPDX-License-Identifier: Apache-2.0
// The archiver: looks at, packs or extracts the files of one container, locked up with them. It
// lives for one order (order.hpp). Used by main.cpp.
#pragma once

namespace davit::unpack {

// Takes the order, enters the root, works, reports. The exit status.
[[nodiscard]] int run_archiver();

}  // namespace davit::unpack
