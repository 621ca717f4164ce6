// SPDX-License-Identifier: Apache-2.0
// The daemon's side of davit-unpack: feeds it a layer's compressed bytes, hashes them as they pass,
// answers its requests, and checks what it reports. One call, one thread; several calls run side by
// side.
#pragma once

#include "sdk/base/cancel.hpp"
#include "sdk/base/digest.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <functional>
#include <memory>
#include <string>

namespace davit::image {

enum class View { merged, bare };  // what the mount shows: davit/storage.h

struct UnpackRequest {
    std::string program;  // davit-unpack's path
    Fd mount;             // the layer's detached mount, read-write
    View view = View::merged;
    int source = -1;  // compressed bytes until the end of file; borrowed. A pipe, socket or file
    int log = -1;     // a file to write the archive log to; borrowed. -1: none is kept
    std::uint64_t source_bytes = UINT64_MAX;                 // more than these are refused
    std::shared_ptr<const Cancel> cancel;                    // may be null
    std::function<void(std::uint64_t compressed)> progress;  // bytes read so far; may be empty
};

struct UnpackResult {
    Digest blob;  // SHA-256 of the compressed bytes
    std::uint64_t blob_bytes = 0;
    bool needs_parent = false;  // nothing below counts: unpack it again over its parent, merged
    Digest diff_id;             // SHA-256 of the tar archive
    std::uint64_t archive_bytes = 0;
    std::uint64_t entries = 0;
    std::uint64_t file_bytes = 0;  // in regular files: what image sizes count
};

// Returns when the unpacker has ended and let go of the mount, whatever happened.
// Errors: corrupt and invalid for a bad layer, no_space, cancelled, deadline when the unpacker
// makes no progress.
Result<UnpackResult> unpack_layer(UnpackRequest request);

}  // namespace davit::image
