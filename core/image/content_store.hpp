// SPDX-License-Identifier: Apache-2.0
// Small documents by their digest: manifests and image configurations, in
// <data-root>/content/sha256/<hex>. Thread-safe: files are written whole and never change.
#pragma once

#include "sdk/base/digest.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::image {

class ContentStore {
public:
    // Makes `content/sha256` below the data root where it is missing.
    static Result<ContentStore> open(int data_root);

    // Keeps the document; a crash leaves it whole or absent. Not synced: the graph's barrier is
    // (seams rule 14).
    Result<Digest> put(std::string_view document) const;
    // Errors: not_found; corrupt when the file is not what its name says (a power loss can do
    // that).
    Result<std::string> get(const Digest& digest) const;
    Result<void> remove(const Digest& digest) const;  // an unknown one is OK
    Result<std::vector<Digest>> list()
        const;                  // in no order; leftovers of crashes are removed on the way
    Result<void> sync() const;  // everything put before survives a power loss

private:
    explicit ContentStore(Fd directory) : directory_(std::move(directory)) {}
    Fd directory_;
};

}  // namespace davit::image
