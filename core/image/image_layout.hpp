// SPDX-License-Identifier: Apache-2.0
// The images that an unpacked archive holds: Docker's manifest.json, or an OCI image layout. Paths
// are resolved inside the directory; documents are verified where they are named by digest.
#pragma once

#include "core/image/manifest.hpp"
#include "core/image/reference.hpp"
#include "sdk/base/fd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::image {

struct LayoutLayer {
    std::string path;
    std::optional<Descriptor> blob;  // where the archive names it by digest
};
struct LayoutImage {
    std::string config;
    std::string manifest, manifest_type;  // of an OCI layout
    std::vector<LayoutLayer> layers;      // lowest first
    std::vector<Reference> names;
};

// Errors: invalid for a directory that is neither; corrupt; not_found when an index has nothing for
// the platform.
Result<std::vector<LayoutImage>> read_layout(int directory,
                                             const std::optional<Platform>& platform);

// A regular file inside, whatever links lead to it.
Result<Fd> open_layout_file(int directory, const std::string& path);

}  // namespace davit::image
