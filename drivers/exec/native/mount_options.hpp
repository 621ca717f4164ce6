// SPDX-License-Identifier: Apache-2.0
// The words of mount(8) in an OCI config's `options`, as the kernel's attributes. No state.
#pragma once

#include "drivers/exec/native/config.hpp"

namespace davit::native {

// Sorts options into attributes, propagation and the file system's own parameters. With "bind" or
// "rbind" the type becomes "bind". Errors: unsupported for options that cannot be carried out.
Result<void> apply_options(const std::vector<std::string>& options, MountConfig& mount);
// "rslave" → MS_SLAVE | MS_REC. Errors: invalid.
Result<std::uint64_t> propagation_of(const std::string& word);

}  // namespace davit::native
