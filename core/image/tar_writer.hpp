// SPDX-License-Identifier: Apache-2.0
// The tar archive that `save` writes (POSIX.1-2017 pax, "ustar Interchange Format"): names of the
// engine's choice, no owners, no times, so that the same images give the same bytes. Pure
// functions.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <string>

namespace davit::image {

enum class TarType : char { file = '0', directory = '5' };

struct TarEntry {
    std::string name;  // at most 100 bytes; a directory's ends with a slash
    TarType type = TarType::file;
    mode_t mode = 0644;
    std::uint64_t size = 0;
};

// The entry's header; the content follows, then tar_padding(). A size over 8 GiB is written in the
// binary form that all readers know (GNU tar's manual, "Basic Tar Format").
std::string tar_header(const TarEntry& entry);
std::string tar_padding(std::uint64_t size);
std::string tar_end();

}  // namespace davit::image
