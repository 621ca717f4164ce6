// SPDX-License-Identifier: Apache-2.0
// The SQL of each migration step. A step that has been released never changes.
#pragma once

namespace davit::store {

// Times are nanoseconds since 1970. `config` holds the Engine API's Config and HostConfig with
// every default filled in, `state` what changes while the container lives. A row with status
// 'removing' has given its name back and only waits until its root file system is let go.
inline constexpr const char* kContainersSchema = R"sql(
CREATE TABLE containers (
    id               TEXT PRIMARY KEY,
    name             TEXT UNIQUE,
    created          INTEGER NOT NULL,
    image            TEXT NOT NULL,
    image_reference  TEXT NOT NULL,
    parent_layer     TEXT NOT NULL,
    storage_instance TEXT NOT NULL,
    exec_instance    TEXT NOT NULL,
    status           TEXT NOT NULL,
    config           TEXT NOT NULL,
    state            TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX containers_by_image ON containers(image);
CREATE INDEX containers_by_parent_layer ON containers(storage_instance, parent_layer);
CREATE TABLE networks (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    created  INTEGER NOT NULL,
    instance TEXT NOT NULL,
    link     TEXT NOT NULL,
    subnet4  TEXT NOT NULL,
    gateway4 TEXT NOT NULL,
    config   TEXT NOT NULL
) WITHOUT ROWID;
)sql";

}  // namespace davit::store
