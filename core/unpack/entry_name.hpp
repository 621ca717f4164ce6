// SPDX-License-Identifier: Apache-2.0
// The names in an archive: which are accepted, and which mean a deletion. Pure functions.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::unpack {

// A name as the archive means it: relative to the layer's root, no empty or "." component, no slash
// at either end;
// "" is the root itself. Leading slashes are dropped. Errors: invalid for an empty name, a ".."
// component (rule R-35: refused, never clamped) and names over the limits.
Result<std::string> clean_name(std::string_view raw);

struct Name {
    std::string_view parent;  // "" is the root
    std::string_view base;
};
Name split(std::string_view clean);

enum class Mark {
    none,      // an ordinary entry
    whiteout,  // deletes `target` of the layers below
    opaque,    // deletes everything in the directory that the layers below put there
    ignored,   // bookkeeping of the AUFS file system that old images carry
};
struct Deletion {
    Mark mark = Mark::none;
    std::string_view target;  // a single component
};

// What the last component of a clean name means (OCI image specification, "Whiteouts").
// Errors: invalid for a whiteout of "", "." or "..", and for a name below a whiteout (rule R-38).
Result<Deletion> deletion_of(std::string_view clean);

}  // namespace davit::unpack
