// SPDX-License-Identifier: Apache-2.0
#include "core/image/pull.hpp"

#include "core/image/download.hpp"
#include "core/image/image_making.hpp"
#include "core/image/stop_link.hpp"

namespace davit::image {

namespace {

struct Document {
    Digest digest;
    std::string text, media_type;
};

struct Found {
    Document top;                      // what the reference led to
    std::optional<Document> manifest;  // when that was an index
    Manifest parsed;
    SharedDocuments::Document config_text;  // held until the image is there: see SharedDocuments
    ImageConfig config;
};

Error mismatch(const Reference& reference, const std::string& what) {
    return fail(Code::corrupt, "pull ", reference.familiar(), ": ", what);
}

Result<Document> fetch_top(const Origin& origin, const Reference& reference,
                           const std::shared_ptr<Cancel>& stop) {
    sdk::Caller call(stop);
    auto resolved = origin.registry.resolve(call, origin.repository, reference.wanted(),
                                            accepted_media_types());
    if (!resolved && resolved.error().code == Code::not_found)
        return std::move(resolved).error().context("manifest for ", reference.familiar(),
                                                   " not found");
    auto remote = TRY(std::move(resolved));
    const Descriptor descriptor{remote.media_type, TRY(Digest::parse(remote.digest)), remote.bytes};
    if (reference.digest() && descriptor.digest != *reference.digest())
        return mismatch(reference, "the registry answered with " + remote.digest);
    if (remote.content.empty()) {
        if (descriptor.bytes > kManifestMax)
            return fail(Code::invalid, "read manifest: it is too large");
        remote.content = TRY(fetch_document(origin, descriptor, stop));
    }
    if (Digest::of(remote.content) != descriptor.digest)
        return mismatch(reference, "the manifest is not what its digest says");
    return Document{descriptor.digest, std::move(remote.content), remote.media_type};
}

Result<void> check_platform(const PullRequest& request, const ImageConfig& config) {
    if (config.platform.normal().os != "linux")
        return fail(Code::unsupported, "image operating system \"", config.platform.os,
                    "\" cannot be used on this platform");
    if (request.platform && match(*request.platform, config.platform) == 0)
        return fail(Code::not_found, "image with reference ", request.reference.familiar(),
                    " was found but its platform (", config.platform.normal().text(),
                    ") does not match the specified platform (", request.platform->text(), ")");
    return {};
}

Result<Found> find(ImageStore& store, const PullRequest& request, const Origin& origin,
                   const Reference& reference, const std::shared_ptr<Cancel>& stop) {
    Document top = TRY(fetch_top(origin, reference, stop));
    auto parsed = TRY(parse_manifest(top.text, top.media_type));
    std::optional<Document> chosen;
    if (const Index* index = std::get_if<Index>(&parsed)) {
        const Descriptor descriptor =
            TRY(choose(*index, request.platform.value_or(Platform::of_host())));
        if (descriptor.bytes > kManifestMax)
            return fail(Code::invalid, "read manifest: it is too large");
        chosen = Document{descriptor.digest, TRY(fetch_document(origin, descriptor, stop)),
                          descriptor.media_type};
        parsed = TRY(parse_manifest(chosen->text, chosen->media_type));
    }
    const Manifest* manifest = std::get_if<Manifest>(&parsed);
    if (manifest == nullptr)
        return fail(Code::unsupported, "read index: it leads to another index");
    auto config_text = TRY(store.documents().get(manifest->config.digest, *stop, [&] {
        auto known = store.config(manifest->config.digest.text());
        return known ? known : fetch_document(origin, manifest->config, stop);
    }));
    ImageConfig config = TRY(parse_config(*config_text));
    TRY(check_platform(request, config));
    if (config.diff_ids.size() != manifest->layers.size())
        return mismatch(reference, "its config names " + std::to_string(config.diff_ids.size()) +
                                       " layers, its manifest " +
                                       std::to_string(manifest->layers.size()));
    return Found{std::move(top), std::move(chosen), *manifest, std::move(config_text),
                 std::move(config)};
}

// What docker calls the steps, with the bytes only while they come.
void show_layer(ProgressLines& lines, const Descriptor& blob, std::string_view status,
                std::uint64_t current) {
    const bool loading = status == "Downloading";
    lines.show({blob.digest.brief(), std::string(status), loading ? current : 0,
                loading ? blob.bytes : 0});
}

NewImage describe(const Origin& origin, const Reference& reference, const Found& found) {
    const Document& manifest = found.manifest ? *found.manifest : found.top;
    NewImage image{
        .config = *found.config_text,
        .manifest = manifest.text,
        .manifest_type = manifest.media_type,
        .pulled = Pulled{origin.repository.host + "/" + origin.repository.name, found.top.digest}};
    if (!reference.digest()) image.names = {reference};
    if (found.manifest) {
        image.index = found.top.text;
        image.index_type = found.top.media_type;
    }
    return image;
}

Result<bool> fetch_and_add(ImageStore& store, const PullRequest& request, const Origin& origin,
                           const Reference& reference, const Found& found,
                           const std::shared_ptr<Cancel>& stop, ProgressLines& lines) {
    const auto chain = chain_ids(found.config.diff_ids);
    std::vector<LayerPull::Wanted> wanted;
    for (std::size_t i = 0; i < chain.size(); ++i)
        wanted.push_back({found.parsed.layers[i], found.config.diff_ids[i], chain[i]});
    const LayerPull::Settings settings{
        .open = [&](std::size_t position) -> Result<std::unique_ptr<LayerSource>> {
            return TRY(Download::start(origin, wanted[position].blob, stop));
        },
        .storage = request.storage,
        .unpacker = request.unpacker,
        .stop = stop,
        .progress = [&](const LayerPull::Wanted& layer, std::string_view status,
                        std::uint64_t current) { show_layer(lines, layer.blob, status, current); }};
    return make_image(store, settings, wanted, describe(origin, reference, found));
}

}  // namespace

Result<PullResult> pull(ImageStore& store, const PullRequest& request) {
    const Reference reference = request.reference.with_latest();
    const auto link = TRY(StopLink::create(request.cancel));
    const Origin origin{request.registry, {reference.host(), reference.path(), request.auth}};
    ProgressLines lines(request.progress);
    const Found found = TRY(find(store, request, origin, reference, link->token()));
    lines.show({reference.wanted(), "Pulling from " + reference.path()});
    const bool changed =
        TRY(fetch_and_add(store, request, origin, reference, found, link->token(), lines));
    store.sync_later(request.storage);
    lines.show({"", "Digest: " + found.top.digest.text()});
    lines.show({"", (changed ? "Status: Downloaded newer image for "
                             : "Status: Image is up to date for ") +
                        reference.familiar()});
    return PullResult{Digest::of(*found.config_text).text(), found.top.digest, changed};
}

}  // namespace davit::image
