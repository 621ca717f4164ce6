// SPDX-License-Identifier: Apache-2.0
// The SQL of the networks' migration step. A step that has been released never changes.
#pragma once

namespace davit::store {

// A network's `config` holds what is neither looked up nor joined: options, labels, ranges. An
// endpoint's row belongs to its container and says what that asks of a network, by the network's
// name (`settings`: the API's EndpointSettings); `id`, `network` and `state` (interface, addresses,
// ports) are there while the container runs. `position` is the order in which they are connected.
inline constexpr const char* kNetworksSchema = R"sql(
ALTER TABLE networks ADD COLUMN subnet6 TEXT NOT NULL DEFAULT '';
ALTER TABLE networks ADD COLUMN gateway6 TEXT NOT NULL DEFAULT '';
CREATE TABLE endpoints (
    container TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    position  INTEGER NOT NULL,
    settings  TEXT NOT NULL,
    id        TEXT UNIQUE,
    network   TEXT REFERENCES networks(id),
    state     TEXT,
    PRIMARY KEY (container, name)
) WITHOUT ROWID;
CREATE INDEX endpoints_by_network ON endpoints(network);
INSERT INTO endpoints (container, name, position, settings, id, network, state)
    SELECT id, json_extract(config, '$.HostConfig.NetworkMode'), 0, '{}',
           json_extract(state, '$.endpoint.id'), json_extract(state, '$.endpoint.network_id'),
           json_extract(state, '$.endpoint')
    FROM containers
    WHERE json_extract(config, '$.HostConfig.NetworkMode') NOT IN ('none', 'host')
      AND json_extract(config, '$.HostConfig.NetworkMode') NOT LIKE 'container:%';
UPDATE containers SET state = json_remove(state, '$.endpoint');
)sql";

}  // namespace davit::store
