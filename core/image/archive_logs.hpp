// SPDX-License-Identifier: Apache-2.0
// The archive logs of layers (core/unpack/tar_log.hpp), by diff ID, in
// <data-root>/content/logs/<hex>. Thread-safe: a log is there whole or not at all, and never
// changes.
#pragma once

#include "sdk/base/digest.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <vector>

namespace davit::image {

class ArchiveLogs {
public:
    // Makes `content/logs` below the data root where it is missing.
    static Result<ArchiveLogs> open(int data_root);

    // A file without a name, to be written; gone with its last descriptor unless it is kept.
    Result<Fd> create() const;
    Result<void> keep(int log, const Digest& diff_id) const;  // one that is there already is OK
    // Errors: not_found.
    Result<Fd> find(const Digest& diff_id) const;
    Result<void> remove(const Digest& diff_id) const;  // an unknown one is OK
    Result<std::vector<Digest>> list() const;          // in no order

private:
    explicit ArchiveLogs(Fd directory) : directory_(std::move(directory)) {}
    Fd directory_;
};

}  // namespace davit::image
