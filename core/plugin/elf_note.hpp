// SPDX-License-Identifier: Apache-2.0
// Reads one ELF note out of a file without loading it. Used for driver manifests; trusts nothing in
// the file. No state, thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace davit::plugin {

// The descriptor of the first note `name`/`type` in the PT_NOTE segments of the ELF file behind
// `fd` (elf(5)): 64-bit, little endian, shared object. Segments are read, not sections, since strip
// may take the section table away. Errors: not_found without such a note; invalid when the file is
// no such ELF or is cut off; os errors of pread.
Result<std::string> read_elf_note(int fd, std::string_view name, std::uint32_t type);

}  // namespace davit::plugin
