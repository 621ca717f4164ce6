// SPDX-License-Identifier: Apache-2.0
#include "core/image/image_layout.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <boost/json.hpp>

namespace davit::image {

using boost::json::array;
using boost::json::object;

namespace {

constexpr std::size_t kImagesMax = 1024;  // far more than anybody saves at once

Result<std::string> read_text(int directory, const std::string& path, std::size_t most) {
    const Fd file = TRY(open_layout_file(directory, path));
    return read_all(file.get(), most).context("read ", path);
}

Result<std::string> read_blob(int directory, const Descriptor& wanted, std::size_t most) {
    if (wanted.bytes > most)
        return fail(Code::invalid, "read ", wanted.digest.text(), ": it is too large");
    std::string text = TRY(read_text(directory, "blobs/sha256/" + wanted.digest.hex(), most));
    if (text.size() != wanted.bytes || Digest::of(text) != wanted.digest)
        return fail(Code::corrupt, "read ", wanted.digest.text(),
                    ": the archive holds something else");
    return text;
}

// --- Docker's form

Result<LayoutImage> read_docker_image(int directory, const object& entry) {
    LayoutImage image;
    image.config =
        TRY(read_text(directory, TRY(json::require_string(entry, "Config")), kConfigMax));
    for (std::string& path : TRY(json::get_strings(entry, "Layers")))
        image.layers.push_back({std::move(path), std::nullopt});
    if (image.layers.size() > kLayersMax)
        return fail(Code::invalid, "read manifest.json: too many layers");
    for (const std::string& tag : TRY(json::get_strings(entry, "RepoTags"))) {
        Reference name = TRY(Reference::parse(tag).context("read manifest.json")).with_latest();
        if (name.digest()) return fail(Code::invalid, "read manifest.json: ", tag, " is no tag");
        image.names.push_back(std::move(name));
    }
    return image;
}

Result<std::vector<LayoutImage>> read_docker(int directory) {
    const auto document =
        TRY(json::parse(TRY(read_text(directory, "manifest.json", kManifestMax)), "manifest.json"));
    const array* entries = document.if_array();
    if (entries == nullptr || entries->size() > kImagesMax)
        return fail(Code::invalid, "read manifest.json: expected a list of images");
    std::vector<LayoutImage> images;
    for (const auto& entry : *entries) {
        if (!entry.is_object())
            return fail(Code::invalid, "read manifest.json: an image is no object");
        images.push_back(TRY(read_docker_image(directory, entry.get_object())));
    }
    return images;
}

// --- OCI's form

// The names that tools give: a whole one in containerd's annotation, else OCI's, which is often a
// tag alone and then names nothing.
Result<std::vector<Reference>> names_of(const object& entry) {
    const object* notes = TRY(json::get_object(entry, "annotations"));
    if (notes == nullptr) return std::vector<Reference>();
    std::string name = TRY(json::get_string(*notes, "io.containerd.image.name", ""));
    if (name.empty()) name = TRY(json::get_string(*notes, "org.opencontainers.image.ref.name", ""));
    if (name.find_first_of(":/") == std::string::npos) return std::vector<Reference>();
    auto reference = TRY(Reference::parse(name).context("read index.json")).with_latest();
    if (reference.digest()) return std::vector<Reference>();
    return std::vector<Reference>{std::move(reference)};
}

Result<LayoutImage> read_oci_image(int directory, Descriptor described,
                                   const std::optional<Platform>& platform) {
    LayoutImage image;
    image.manifest = TRY(read_blob(directory, described, kManifestMax));
    auto parsed = TRY(parse_manifest(image.manifest, described.media_type));
    if (const Index* index = std::get_if<Index>(&parsed)) {
        described = TRY(choose(*index, platform.value_or(Platform::of_host())));
        image.manifest = TRY(read_blob(directory, described, kManifestMax));
        parsed = TRY(parse_manifest(image.manifest, described.media_type));
    }
    const Manifest* manifest = std::get_if<Manifest>(&parsed);
    if (manifest == nullptr)
        return fail(Code::unsupported, "read index: it leads to another index");
    image.manifest_type = described.media_type;
    image.config = TRY(read_blob(directory, manifest->config, kConfigMax));
    for (const Descriptor& layer : manifest->layers)
        image.layers.push_back({"blobs/sha256/" + layer.digest.hex(), layer});
    return image;
}

bool same_image(const LayoutImage& a, const LayoutImage& b) { return a.config == b.config; }

Result<std::vector<LayoutImage>> read_oci(int directory, const std::optional<Platform>& platform) {
    const std::string text = TRY(read_text(directory, "index.json", kManifestMax));
    const auto parsed = TRY(parse_manifest(text, kOciIndex));
    const Index& index = std::get<Index>(parsed);  // what that type is read as
    const object document = TRY(json::parse_object(text, "index.json", {.bytes = kManifestMax}));
    const array& entries = *TRY(json::get_array(document, "manifests"));
    std::vector<LayoutImage> images;
    for (std::size_t i = 0; i < index.entries.size(); ++i) {
        LayoutImage image = TRY(read_oci_image(directory, index.entries[i].manifest, platform));
        image.names = TRY(names_of(entries[i].get_object()));
        // An image with several names has an entry for each.
        if (!images.empty() && same_image(images.back(), image))
            images.back().names.insert(images.back().names.end(), image.names.begin(),
                                       image.names.end());
        else
            images.push_back(std::move(image));
    }
    return images;
}

Result<bool> exists(int directory, const std::string& path) {
    auto file = open_layout_file(directory, path);
    if (file) return true;
    if (file.error().code == Code::not_found) return false;
    return std::move(file).error();
}

}  // namespace

Result<Fd> open_layout_file(int directory, const std::string& path) {
    Fd file = TRY(open_in_root(directory, path, O_RDONLY | O_NONBLOCK).context("open ", path));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return os_error("look at " + path);
    if (!S_ISREG(status.st_mode)) return fail(Code::invalid, "open ", path, ": it is no file");
    return file;
}

Result<std::vector<LayoutImage>> read_layout(int directory,
                                             const std::optional<Platform>& platform) {
    if (TRY(exists(directory, "manifest.json"))) return read_docker(directory);
    if (TRY(exists(directory, "index.json"))) return read_oci(directory, platform);
    if (TRY(exists(directory, "repositories")))
        return fail(Code::unsupported,
                    "load images: the archive is of a form that Docker gave up in version 1.10");
    return fail(Code::invalid,
                "load images: the archive holds neither manifest.json nor index.json");
}

}  // namespace davit::image
