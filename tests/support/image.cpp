// SPDX-License-Identifier: Apache-2.0
#include "tests/support/image.hpp"

namespace davit::test {

namespace {

std::string pack(const TestLayer& layer) {
    switch (layer.packing) {
        case Packing::gzip: return gzip(layer.tar.bytes());
        case Packing::zstd: return zstd(layer.tar.bytes());
        case Packing::plain: return layer.tar.bytes();
    }
    return {};
}

std::string layer_type(Packing packing) {
    const std::string base = "application/vnd.oci.image.layer.v1.tar";
    return packing == Packing::plain ? base : base + (packing == Packing::gzip ? "+gzip" : "+zstd");
}

std::string descriptor(const std::string& type, const std::string& content) {
    return R"({"mediaType":")" + type + R"(","digest":")" + Digest::of(content).text() +
           R"(","size":)" + std::to_string(content.size()) + "}";
}

std::string join(const std::vector<std::string>& parts) {
    std::string joined;
    for (const std::string& part : parts) joined += (joined.empty() ? "" : ",") + part;
    return joined;
}

}  // namespace

TestImage make_image(const std::vector<TestLayer>& layers, const ImageOptions& options) {
    TestImage image;
    std::vector<std::string> descriptors, quoted;
    for (const TestLayer& layer : layers) {
        const std::string blob = pack(layer);
        image.layers.push_back(Digest::of(blob).text());
        image.diff_ids.push_back(Digest::of(layer.tar.bytes()).text());
        quoted.push_back("\"" + image.diff_ids.back() + "\"");
        descriptors.push_back(descriptor(layer_type(layer.packing), blob));
        image.blobs[image.layers.back()] = blob;
    }
    image.config = R"({"architecture":")" + options.architecture + R"(","os":")" + options.os +
                   R"(","created":")" + options.created +
                   R"(","author":"tests","config":{"Cmd":["/bin/true"],"Env":["PATH=/bin"])" +
                   options.config_members + R"(},"rootfs":{"type":"layers","diff_ids":[)" +
                   join(quoted) + R"(]},"history":[]})";
    image.manifest = R"({"schemaVersion":2,"mediaType":")" + image.manifest_type +
                     R"(","config":)" +
                     descriptor("application/vnd.oci.image.config.v1+json", image.config) +
                     R"(,"layers":[)" + join(descriptors) + "]}";
    image.blobs[image.id()] = image.config;
    image.blobs[image.digest()] = image.manifest;
    return image;
}

std::string make_index(const std::vector<IndexedImage>& images) {
    std::vector<std::string> entries;
    for (const IndexedImage& entry : images) {
        std::string text = descriptor(entry.image.manifest_type, entry.image.manifest);
        if (!entry.platform.empty())
            text.insert(text.size() - 1, ",\"platform\":" + entry.platform);
        entries.push_back(text);
    }
    return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
           join(entries) + "]}";
}

}  // namespace davit::test
