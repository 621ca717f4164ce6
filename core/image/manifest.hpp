// SPDX-License-Identifier: Apache-2.0
// The documents that describe an image: OCI index and manifest, Docker's manifest list and manifest
// v2 schema 2, and the image configuration. Read strictly: what two readers could take for two
// things is refused (rule R-49). Values.
#pragma once

#include "core/image/platform.hpp"
#include "sdk/base/digest.hpp"
#include "sdk/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace davit::image {

inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";

inline constexpr std::size_t kManifestMax = std::size_t{4} << 20;  // what registries accept
inline constexpr std::size_t kConfigMax = std::size_t{8}
                                          << 20;  // large histories; Docker's limit too
inline constexpr std::size_t kLayersMax = 500;    // the kernel's overlay takes as many

// What a registry is asked for, best first.
std::vector<std::string> accepted_media_types();

struct Descriptor {
    std::string media_type;
    Digest digest;
    std::uint64_t bytes = 0;
};

struct IndexEntry {
    Descriptor manifest;
    std::optional<Platform> platform;
};
struct Index {
    std::vector<IndexEntry> entries;
};

struct Manifest {
    Descriptor config;
    std::vector<Descriptor> layers;  // lowest first
};

// `media_type` as the registry or the parent document gave it; the body's own must not contradict
// it. Errors: invalid for anything ambiguous or malformed; unsupported for other kinds of documents
// and layers.
Result<std::variant<Index, Manifest>> parse_manifest(std::string_view text,
                                                     std::string_view media_type);

// The entry to use on this platform. Errors: not_found in Docker's words.
Result<Descriptor> choose(const Index& index, const Platform& wanted);

struct ImageConfig {
    Platform platform;
    std::vector<Digest> diff_ids;  // lowest first
    std::string created;           // as it stands; may be empty
};
Result<ImageConfig> parse_config(std::string_view text);

// OCI image specification, "Layer ChainID": the key of each layer with everything below it.
std::vector<Digest> chain_ids(const std::vector<Digest>& diff_ids);

}  // namespace davit::image
