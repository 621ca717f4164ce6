// SPDX-License-Identifier: Apache-2.0
// The SQL of the volumes' migration step. A step that has been released never changes.
#pragma once

namespace davit::store {

// Times are nanoseconds since 1970, `labels` and `options` JSON objects. Who uses a volume stands
// in the containers' own configuration. `device` is the file system last mounted for one with
// options. `stage`: 'ready'; 'made' for `container`, whose row may never have been written;
// 'removed', until its files are gone.
inline constexpr const char* kVolumesSchema = R"sql(
CREATE TABLE volumes (
    name      TEXT PRIMARY KEY,
    created   INTEGER NOT NULL,
    anonymous INTEGER NOT NULL,
    labels    TEXT NOT NULL,
    options   TEXT NOT NULL,
    device    INTEGER NOT NULL,
    stage     TEXT NOT NULL,
    container TEXT NOT NULL
) WITHOUT ROWID;
)sql";

}  // namespace davit::store
