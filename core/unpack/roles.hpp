// SPDX-License-Identifier: Apache-2.0
// The two processes of davit-unpack. Each closes what it does not need, locks itself up, works, and
// reports. They share one pipe: the inflater writes the archive into it, the parser reads it.
#pragma once

#include "core/unpack/inflater.hpp"
#include "core/unpack/layer_writer.hpp"
#include "sdk/base/fd.hpp"

namespace davit::unpack {

// Neither returns an error: it goes to the daemon, the exit status says only whether there was one.
[[nodiscard]] int run_inflater(Inflater inflater, Fd archive);
[[nodiscard]] int run_parser(View view, Fd archive);
// Reports what went wrong before the two were parted.
[[nodiscard]] int report_failure(const Error& error);

}  // namespace davit::unpack
