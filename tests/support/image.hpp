// SPDX-License-Identifier: Apache-2.0
// Images made by tests: documents and blobs by digest, as a registry holds them.
#pragma once

#include "sdk/base/digest.hpp"
#include "tests/support/tar.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit::test {

enum class Packing { gzip, zstd, plain };

struct TestLayer {
    Tar tar;
    Packing packing = Packing::gzip;
};

struct TestImage {
    std::map<std::string, std::string> blobs;  // "sha256:…" to bytes, documents included
    std::string config, manifest;              // documents
    std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";
    std::vector<std::string> layers;  // digests of the compressed layers
    std::vector<std::string> diff_ids;

    std::string id() const { return Digest::of(config).text(); }
    std::string digest() const { return Digest::of(manifest).text(); }
};

struct ImageOptions {
    std::string architecture = "amd64";
    std::string os = "linux";
    std::string created = "2024-05-01T10:00:00Z";
    std::string config_members =
        {};  // further JSON members of "config", each with a comma in front
};

TestImage make_image(const std::vector<TestLayer>& layers, const ImageOptions& options = {});

struct IndexedImage {
    TestImage image;
    std::string platform;  // JSON
};
// An OCI index of these images.
std::string make_index(const std::vector<IndexedImage>& images);

}  // namespace davit::test
