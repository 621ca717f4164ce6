// SPDX-License-Identifier: Apache-2.0
#include "core/image/pull.hpp"

#include "core/image/layer_pull.hpp"
#include "sdk/base/undo.hpp"

#include <poll.h>
#include <chrono>
#include <map>
#include <thread>

namespace davit::image {

namespace {

// Stops one pull: when the caller cancels, and when one of its parts fails. The caller's token is
// only watched.
class StopLink {
public:
    static Result<std::unique_ptr<StopLink>> create(std::shared_ptr<const Cancel> outer) {
        auto link = std::unique_ptr<StopLink>(new StopLink);
        link->inner_ = TRY(Cancel::create());
        link->over_ = TRY(Cancel::create());
        if (outer)
            link->thread_ = std::thread([outer, inner = link->inner_, over = link->over_] {
                pollfd waits[] = {{outer->fd(), POLLIN, 0}, {over->fd(), POLLIN, 0}};
                while (::poll(waits, 2, -1) < 0) {
                }
                if (waits[0].revents != 0) inner->request();
            });
        return link;
    }
    ~StopLink() {
        if (!thread_.joinable()) return;
        over_->request();
        thread_.join();
    }
    const std::shared_ptr<Cancel>& token() const { return inner_; }

private:
    StopLink() = default;
    std::shared_ptr<Cancel> inner_, over_;
    std::thread thread_;
};

// Lines from several threads, one at a time; sizes of one layer at most ten times a second.
class Story {
public:
    explicit Story(const std::function<void(const PullProgress&)>& tell) : tell_(tell) {}

    void line(std::string id, std::string status) {
        const std::lock_guard lock(mutex_);
        if (tell_) tell_({.id = std::move(id), .status = std::move(status)});
    }
    void layer(const Descriptor& blob, std::string_view status, std::uint64_t current) {
        constexpr std::chrono::milliseconds kBetween{100};
        const std::lock_guard lock(mutex_);
        if (!tell_) return;
        PullProgress progress{.id = blob.digest.brief(), .status = std::string(status)};
        if (status == "Downloading") {
            const auto now = std::chrono::steady_clock::now();
            auto& last = last_[blob.digest];
            if (now - last < kBetween) return;
            last = now;
            progress.current = current;
            progress.total = blob.bytes;
        }
        tell_(progress);
    }

private:
    const std::function<void(const PullProgress&)>& tell_;
    std::mutex mutex_;
    std::map<Digest, std::chrono::steady_clock::time_point> last_;
};

struct Document {
    Digest digest;
    std::string text, media_type;
};

struct Found {
    Document top;                      // what the reference led to
    std::optional<Document> manifest;  // when that was an index
    Manifest parsed;
    std::string config_text;
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

Result<Found> find(const PullRequest& request, const Origin& origin, const Reference& reference,
                   const std::shared_ptr<Cancel>& stop) {
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
    std::string config_text = TRY(fetch_document(origin, manifest->config, stop));
    ImageConfig config = TRY(parse_config(config_text));
    TRY(check_platform(request, config));
    if (config.diff_ids.size() != manifest->layers.size())
        return mismatch(reference, "its config names " + std::to_string(config.diff_ids.size()) +
                                       " layers, its manifest " +
                                       std::to_string(manifest->layers.size()));
    return Found{std::move(top), std::move(chosen), *manifest, std::move(config_text),
                 std::move(config)};
}

Result<std::vector<LayerFacts>> make_layers(ImageStore& store, const PullRequest& request,
                                            const Origin& origin, const Found& found,
                                            const std::vector<Digest>& chain,
                                            const std::shared_ptr<Cancel>& stop, Story& story) {
    std::vector<LayerPull::Wanted> wanted;
    for (std::size_t i = 0; i < chain.size(); ++i)
        wanted.push_back({found.parsed.layers[i], found.config.diff_ids[i], chain[i]});
    const std::string instance = request.storage.instance();
    LayerPull layers(
        store.layers(), [&](const Digest& layer) { return store.find_layer(instance, layer); },
        {.origin = origin,
         .storage = request.storage,
         .unpacker = request.unpacker,
         .stop = stop,
         .progress = [&](const Descriptor& layer, std::string_view status,
                         std::uint64_t current) { story.layer(layer, status, current); }},
        wanted);
    return layers.run();
}

NewImage describe(const PullRequest& request, const Origin& origin, const Reference& reference,
                  const Found& found, const std::vector<Digest>& chain,
                  const std::vector<LayerFacts>& facts) {
    const Document& manifest = found.manifest ? *found.manifest : found.top;
    NewImage image{.config = found.config_text,
                   .manifest = manifest.text,
                   .manifest_type = manifest.media_type,
                   .pulled_as = found.top.digest,
                   .reference = reference,
                   .instance = request.storage.instance(),
                   .origin = origin.repository.host + "/" + origin.repository.name};
    if (found.manifest) {
        image.index = found.top.text;
        image.index_type = found.top.media_type;
    }
    for (std::size_t i = 0; i < chain.size(); ++i)
        image.layers.push_back(
            {chain[i], found.config.diff_ids[i], found.parsed.layers[i], facts[i]});
    return image;
}

Result<bool> fetch_and_add(ImageStore& store, const PullRequest& request, const Origin& origin,
                           const Reference& reference, const Found& found,
                           const std::shared_ptr<Cancel>& stop, Story& story) {
    const auto chain = chain_ids(found.config.diff_ids);
    // After the lease has ended: whoever ends last takes back what nobody recorded.
    Undo take_back([&] {
        store.give_up(request.storage, chain);
        (void)store.collect();  // a layer that lost its image while we counted on it; tried again
                                // at the next start
    });
    std::optional<LayerTable::Lease> lease;
    {
        const auto removal = store.layers().removal_lock();
        lease.emplace(store.layers(), request.storage.instance(), chain);
    }
    const auto facts = TRY(make_layers(store, request, origin, found, chain, stop, story));
    TRY(stop->check("pull " + reference.familiar()));
    const bool changed = TRY(store.add(describe(request, origin, reference, found, chain, facts)));
    take_back.keep();
    return changed;
}

}  // namespace

Result<PullResult> pull(ImageStore& store, const PullRequest& request) {
    const Reference reference = request.reference.with_latest();
    const auto link = TRY(StopLink::create(request.cancel));
    const Origin origin{request.registry, {reference.host(), reference.path(), request.auth}};
    Story story(request.progress);
    const Found found = TRY(find(request, origin, reference, link->token()));
    story.line(reference.wanted(), "Pulling from " + reference.path());
    const bool changed =
        TRY(fetch_and_add(store, request, origin, reference, found, link->token(), story));
    store.sync_later(request.storage);
    story.line("", "Digest: " + found.top.digest.text());
    story.line(
        "", (changed ? "Status: Downloaded newer image for " : "Status: Image is up to date for ") +
                reference.familiar());
    return PullResult{Digest::of(found.config_text).text(), found.top.digest, changed};
}

}  // namespace davit::image
