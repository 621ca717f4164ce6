// SPDX-License-Identifier: Apache-2.0
// Images out of one archive: what `docker save` writes, now and in older versions, and OCI image
// layouts; plain, gzip or zstd. The archive is unpacked in the jail into a layer of its own that
// goes afterwards, so nothing in it can lead outside (rules ).
#pragma once

#include "core/image/image_store.hpp"

#include <functional>

namespace davit::image {

struct LoadedImage {
    std::string id;
    std::vector<std::string> names;  // "nginx:latest"
    // Names that led elsewhere, and where to.
    std::vector<std::pair<std::string, std::string>> renamed;
};

struct LoadRequest {
    int source = -1;  // borrowed; a pipe, socket or file
    std::optional<Platform> platform;
    plugin::Storage storage;
    std::string unpacker;  // path of davit-unpack
    std::shared_ptr<Cancel> cancel;
    // Bytes of a layer read so far, of how many. From several threads, never two at a time.
    std::function<void(const std::string& layer, std::uint64_t current, std::uint64_t total)>
        progress;
    std::function<Result<void>(const LoadedImage&)> loaded;
};

// Errors: invalid for an archive of another kind; corrupt when something in it is not what it is
// named; those of a pull. Images that were loaded before a failure stay.
Result<void> load(ImageStore& store, const LoadRequest& request);

}  // namespace davit::image
