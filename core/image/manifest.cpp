// SPDX-License-Identifier: Apache-2.0
#include "core/image/manifest.hpp"

#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace davit::image {

namespace {

using boost::json::array;
using boost::json::object;

constexpr std::string_view kLayerTypes[] = {
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
};
constexpr std::string_view kConfigTypes[] = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
};
constexpr std::size_t kIndexEntriesMax = 1024;  // far more platforms than there are

bool is_one_of(std::string_view text, std::span<const std::string_view> list) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

Result<Descriptor> read_descriptor(const object& from) {
    std::string media_type = TRY(json::require_string(from, "mediaType"));
    const std::string digest = TRY(json::require_string(from, "digest"));
    const std::int64_t bytes = TRY(json::require_int(from, "size"));
    if (bytes < 0) return fail(Code::invalid, "read size: it is negative");
    return Descriptor{std::move(media_type), TRY(Digest::parse(digest)),
                      static_cast<std::uint64_t>(bytes)};
}

Result<void> check_layer(const Descriptor& layer) {
    if (layer.media_type.find("foreign") != std::string::npos ||
        layer.media_type.find("nondistributable") != std::string::npos)
        return fail(
            Code::unsupported, "use layer ", layer.digest.brief(),
            ": foreign layers come from addresses of the image's choice and are not fetched");
    if (!is_one_of(layer.media_type, kLayerTypes))
        return fail(Code::unsupported, "use layer ", layer.digest.brief(), ": unknown media type ",
                    layer.media_type);
    return {};
}

Result<Index> read_index(const object& document) {
    Index index;
    const array* entries = TRY(json::get_array(document, "manifests"));
    if (entries == nullptr) return fail(Code::invalid, "read index: it lists no manifests");
    if (entries->size() > kIndexEntriesMax)
        return fail(Code::invalid, "read index: it lists too many manifests");
    for (const auto& value : *entries) {
        const object* entry = value.if_object();
        if (entry == nullptr) return fail(Code::invalid, "read index: an entry is no object");
        IndexEntry read{TRY(read_descriptor(*entry).context("read index entry")), std::nullopt};
        if (const object* platform = TRY(json::get_object(*entry, "platform")))
            read.platform = Platform{TRY(json::get_string(*platform, "os", "")),
                                     TRY(json::get_string(*platform, "architecture", "")),
                                     TRY(json::get_string(*platform, "variant", ""))};
        index.entries.push_back(std::move(read));
    }
    return index;
}

Result<Manifest> read_manifest(const object& document) {
    const object* config = TRY(json::get_object(document, "config"));
    const array* layers = TRY(json::get_array(document, "layers"));
    if (config == nullptr || layers == nullptr)
        return fail(Code::invalid, "read manifest: it has no config or no layers");
    Manifest manifest{TRY(read_descriptor(*config).context("read config descriptor")), {}};
    if (!is_one_of(manifest.config.media_type, kConfigTypes))
        return fail(Code::unsupported, "read manifest: it is no container image, but holds ",
                    manifest.config.media_type);
    if (manifest.config.bytes > kConfigMax)
        return fail(Code::invalid, "read manifest: its config is too large");
    if (layers->size() > kLayersMax)
        return fail(Code::invalid, "read manifest: more than ", std::to_string(kLayersMax),
                    " layers");
    for (const auto& value : *layers) {
        const object* layer = value.if_object();
        if (layer == nullptr) return fail(Code::invalid, "read manifest: a layer is no object");
        manifest.layers.push_back(TRY(read_descriptor(*layer).context("read layer descriptor")));
        TRY(check_layer(manifest.layers.back()));
    }
    return manifest;
}

// What the document is: by its own word and the registry's, which must agree (rule R-49).
Result<std::string> agreed_type(const object& document, std::string_view media_type) {
    constexpr std::string_view kTypes[] = {kOciIndex, kOciManifest, kDockerList, kDockerManifest};
    const std::string_view said = media_type.substr(0, media_type.find(';'));
    const std::string own = TRY(json::get_string(document, "mediaType", ""));
    if (said.find("docker.distribution.manifest.v1+") != std::string_view::npos ||
        TRY(json::get_int(document, "schemaVersion", 2)) == 1)
        return fail(
            Code::unsupported,
            "read manifest: Docker image format v1 is no longer in use; build the image anew");
    const bool known = is_one_of(said, kTypes);
    if (known && !own.empty() && own != said)
        return fail(Code::invalid, "read manifest: it was sent as ", said, " but calls itself ",
                    own);
    if (known) return std::string(said);
    if (is_one_of(own, kTypes)) return own;
    return fail(Code::unsupported, "read manifest: unknown media type ",
                own.empty() ? said : std::string_view(own));
}

}  // namespace

std::vector<std::string> accepted_media_types() {
    return {std::string(kOciIndex), std::string(kDockerList), std::string(kOciManifest),
            std::string(kDockerManifest)};
}

Result<std::variant<Index, Manifest>> parse_manifest(std::string_view text,
                                                     std::string_view media_type) {
    const object document = TRY(json::parse_object(text, "manifest", {.bytes = kManifestMax}));
    if (document.contains("manifests") &&
        (document.contains("layers") || document.contains("config")))
        return fail(Code::invalid,
                    "read manifest: ambiguous, it could be read as an index and as a manifest");
    if (document.contains("fsLayers"))
        return fail(
            Code::unsupported,
            "read manifest: Docker image format v1 is no longer in use; build the image anew");
    const std::string type = TRY(agreed_type(document, media_type));
    if (type == kOciIndex || type == kDockerList)
        return std::variant<Index, Manifest>(TRY(read_index(document)));
    return std::variant<Index, Manifest>(TRY(read_manifest(document)));
}

Result<Descriptor> choose(const Index& index, const Platform& wanted) {
    const IndexEntry* best = nullptr;
    int best_match = 0;
    for (const IndexEntry& entry : index.entries) {
        const int found = entry.platform ? match(wanted, *entry.platform) : 0;
        if (found <= best_match) continue;
        best = &entry;
        best_match = found;
    }
    // An index of one image that names no platform, as some tools write it.
    if (best == nullptr && index.entries.size() == 1 && !index.entries.front().platform)
        best = &index.entries.front();
    if (best == nullptr)
        return fail(Code::not_found, "no matching manifest for ", wanted.text(),
                    " in the manifest list entries");
    return best->manifest;
}

Result<ImageConfig> parse_config(std::string_view text) {
    const object document = TRY(json::parse_object(text, "image config", {.bytes = kConfigMax}));
    ImageConfig config;
    config.platform = {TRY(json::require_string(document, "os")),
                       TRY(json::require_string(document, "architecture")),
                       TRY(json::get_string(document, "variant", ""))};
    config.created = TRY(json::get_string(document, "created", ""));
    const object* root = TRY(json::get_object(document, "rootfs"));
    if (root == nullptr) return fail(Code::invalid, "read image config: it has no rootfs");
    if (TRY(json::get_string(*root, "type", "layers")) != "layers")
        return fail(Code::unsupported, "read image config: its rootfs is not made of layers");
    for (const std::string& diff_id : TRY(json::get_strings(*root, "diff_ids")))
        config.diff_ids.push_back(TRY(Digest::parse(diff_id).context("read image config")));
    return config;
}

std::vector<Digest> chain_ids(const std::vector<Digest>& diff_ids) {
    std::vector<Digest> chain;
    for (const Digest& diff_id : diff_ids)
        chain.push_back(chain.empty() ? diff_id
                                      : Digest::of(chain.back().text() + " " + diff_id.text()));
    return chain;
}

}  // namespace davit::image
