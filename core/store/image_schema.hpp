// SPDX-License-Identifier: Apache-2.0
// The SQL of the images' migration step. A step that has been released never changes.
#pragma once

namespace davit::store {

// Digests are texts ("sha256:…"), times nanoseconds since 1970, sizes bytes. Documents lie in the
// content store under their digest. A layer is known by its chain ID wherever it lies;
// `layer_instances` says in which storage instances, under which key, and whether it would survive
// a power loss; `layer_blobs` where its compressed form can be fetched again. `image_names` are
// tags, `image_digests` what an image was pulled as by digest.
inline constexpr const char* kImagesSchema = R"sql(
CREATE TABLE layers (
    chain_id TEXT PRIMARY KEY,
    diff_id  TEXT NOT NULL,
    parent   TEXT REFERENCES layers(chain_id),
    bytes    INTEGER NOT NULL,
    entries  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX layers_by_parent ON layers(parent);
CREATE TABLE layer_blobs (
    layer      TEXT NOT NULL REFERENCES layers(chain_id) ON DELETE CASCADE,
    digest     TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    origin     TEXT NOT NULL,
    PRIMARY KEY (layer, digest, origin)
) WITHOUT ROWID;
CREATE TABLE layer_instances (
    instance TEXT NOT NULL,
    layer    TEXT NOT NULL REFERENCES layers(chain_id),
    key      TEXT NOT NULL,
    synced   INTEGER NOT NULL,
    PRIMARY KEY (instance, layer)
) WITHOUT ROWID;
CREATE INDEX layer_instances_by_layer ON layer_instances(layer);
CREATE TABLE images (
    id        TEXT PRIMARY KEY,
    created   INTEGER NOT NULL,
    added     INTEGER NOT NULL,
    parent    TEXT,
    top_layer TEXT REFERENCES layers(chain_id)
) WITHOUT ROWID;
CREATE TABLE image_layers (
    image    TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer    TEXT NOT NULL REFERENCES layers(chain_id),
    PRIMARY KEY (image, position)
) WITHOUT ROWID;
CREATE INDEX image_layers_by_layer ON image_layers(layer);
CREATE TABLE manifests (
    digest     TEXT NOT NULL,
    image      TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    media_type TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    PRIMARY KEY (digest, image)
) WITHOUT ROWID;
CREATE INDEX manifests_by_image ON manifests(image);
CREATE TABLE image_names (
    repository TEXT NOT NULL,
    tag        TEXT NOT NULL,
    image      TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    updated    INTEGER NOT NULL,
    PRIMARY KEY (repository, tag)
) WITHOUT ROWID;
CREATE INDEX image_names_by_image ON image_names(image);
CREATE TABLE image_digests (
    repository TEXT NOT NULL,
    digest     TEXT NOT NULL,
    image      TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX image_digests_by_image ON image_digests(image);
)sql";

}  // namespace davit::store
