// SPDX-License-Identifier: Apache-2.0
#include "core/image/push.hpp"

#include "core/image/layer_blob.hpp"
#include "core/image/progress_lines.hpp"
#include "core/image/stop_link.hpp"

#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <thread>

namespace davit::image {

using boost::json::array;
using boost::json::object;

namespace {

constexpr std::size_t kUploadsAtOnce = 5;  // dockerd's max-concurrent-uploads

constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
constexpr std::string_view kOciGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
constexpr std::string_view kDockerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";

// The stored manifest, where there is one: it decides the form, and its layers are asked for first.
struct Stored {
    std::string text;
    std::string media_type;
    std::vector<Descriptor> layers;
};

struct Layer {
    std::string chain_id;
    Digest diff_id;
    std::optional<Descriptor> stored;
    std::optional<Descriptor> pushed;
};

class Push {
public:
    Push(ImageStore& store, const PushRequest& request, std::shared_ptr<Cancel> stop)
        : store_(store),
          request_(request),
          stop_(std::move(stop)),
          lines_(request.progress),
          target_{request.reference.host(), request.reference.path(), request.auth} {}

    Result<PushResult> run();

private:
    Result<void> prepare(const std::string& id);
    Result<void> push_layers();
    Result<void> push_layer(Layer& layer);
    Result<bool> find_remote(Layer& layer);
    Result<bool> ask_for(Layer& layer, const Descriptor& blob, const std::string& mount_from);
    Result<void> send_layer(Layer& layer);
    Result<void> send_config(const std::string& config);
    std::string make_manifest(const std::string& config) const;
    void tell(const Layer& layer, std::string status, std::uint64_t done = 0,
              std::uint64_t total = 0) {
        lines_.show({layer.diff_id.brief(), std::move(status), done, total});
    }

    ImageStore& store_;
    const PushRequest& request_;
    std::shared_ptr<Cancel> stop_;
    ProgressLines lines_;
    plugin::Repository target_;
    std::optional<Stored> stored_;
    std::vector<Layer> layers_;
};

Result<void> Push::prepare(const std::string& id) {
    const ImageRecord record = TRY(store_.get(id));
    const ImageConfig config = TRY(parse_config(TRY(store_.config(id))));
    if (request_.platform && match(*request_.platform, config.platform) == 0)
        return fail(Code::not_found, "image with reference ", request_.reference.familiar(),
                    " was found but its platform (", config.platform.normal().text(),
                    ") does not match the specified platform (", request_.platform->text(), ")");
    if (auto text = store_.manifest(id)) {
        Stored stored{.text = std::move(*text), .media_type = {}, .layers = {}};
        stored.media_type = TRY(store_.manifest_type(Digest::of(stored.text)));
        const auto parsed = TRY(parse_manifest(stored.text, stored.media_type));
        if (const Manifest* manifest = std::get_if<Manifest>(&parsed))
            stored.layers = manifest->layers;
        if (stored.layers.size() == config.diff_ids.size()) stored_ = std::move(stored);
    }
    for (std::size_t i = 0; i < config.diff_ids.size(); ++i) {
        Layer layer{record.layers.at(i), config.diff_ids[i], std::nullopt, std::nullopt};
        if (stored_) layer.stored = stored_->layers[i];
        layers_.push_back(std::move(layer));
    }
    return {};
}

Result<bool> Push::ask_for(Layer& layer, const Descriptor& blob, const std::string& mount_from) {
    sdk::Caller call(stop_);
    auto found = request_.registry.push_blob(call, target_,
                                             {.digest = blob.digest.text(),
                                              .mount_from = mount_from,
                                              .bytes = blob.bytes,
                                              .source = -1});
    const Code code = found ? Code::ok : found.error().code;
    if (code == Code::not_found || (code == Code::denied && !mount_from.empty())) return false;
    TRY(std::move(found));
    layer.pushed = blob;
    return true;
}

// The blobs that this layer came as or was sent as before: the registry may have one, in this
// repository or in another one of it.
Result<bool> Push::find_remote(Layer& layer) {
    auto known = TRY(store_.layer_blobs(layer.chain_id));
    const std::string repository = target_.host + "/" + target_.name;
    const auto rank = [&](const KnownBlob& blob) {
        const bool wanted = layer.stored && blob.blob.digest == layer.stored->digest;
        return (wanted ? 0 : 4) + (blob.origin == repository                     ? 0
                                   : blob.origin.starts_with(target_.host + "/") ? 1
                                                                                 : 2);
    };
    std::stable_sort(known.begin(), known.end(),
                     [&](const KnownBlob& a, const KnownBlob& b) { return rank(a) < rank(b); });
    for (const KnownBlob& blob : known) {
        const bool same_host = blob.origin.starts_with(target_.host + "/");
        const std::string from = same_host && blob.origin != repository
                                     ? blob.origin.substr(target_.host.size() + 1)
                                     : "";
        if (!TRY(ask_for(layer, blob.blob, from))) continue;
        tell(layer, from.empty() ? "Layer already exists" : "Mounted from " + from);
        return true;
    }
    return false;
}

Result<void> Push::send_layer(Layer& layer) {
    const LayerArchive archive = TRY(store_.layer_archive(layer.chain_id, layer.diff_id));
    const LayerBlob blob = TRY(
        compress(archive, layer.diff_id, TRY(store_.logs().create()), *stop_,
                 [&](std::uint64_t done) { tell(layer, "Pushing", done / 2, archive.bytes()); }));
    sdk::Caller call(stop_);
    call.on_progress([&](std::string_view, std::uint64_t done, std::uint64_t total) {
        const std::uint64_t half = archive.bytes() / 2;
        tell(layer, "Pushing", total == 0 ? half : half + half * done / total, archive.bytes());
    });
    const bool existed = TRY(request_.registry.push_blob(call, target_,
                                                         {.digest = blob.digest.text(),
                                                          .mount_from = {},
                                                          .bytes = blob.bytes,
                                                          .source = blob.file.get()}));
    layer.pushed = Descriptor{std::string(kOciGzip), blob.digest, blob.bytes};
    tell(layer, existed ? "Layer already exists" : "Pushed");
    return store_.remember_blob(layer.chain_id, *layer.pushed, target_.host + "/" + target_.name);
}

Result<void> Push::push_layer(Layer& layer) {
    if (TRY(find_remote(layer))) return {};
    return send_layer(layer).context("push layer ", layer.diff_id.brief());
}

Result<void> Push::push_layers() {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::optional<Error> error;
    const auto work = [&] {
        for (std::size_t i = next++; i < layers_.size(); i = next++) {
            auto pushed = push_layer(layers_[i]);
            if (pushed) continue;
            const std::lock_guard lock(mutex);
            if (!error) error = std::move(pushed).error();
            stop_->request();  // the others end
            return;
        }
    };
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < std::min(layers_.size(), kUploadsAtOnce); ++i)
        workers.emplace_back(work);
    for (std::thread& worker : workers) worker.join();
    if (error) return std::move(*error);
    return {};
}

Result<void> Push::send_config(const std::string& config) {
    const Fd file(::memfd_create("image config", MFD_CLOEXEC));
    if (!file) return os_error("push image config");
    if (::pwrite(file.get(), config.data(), config.size(), 0) !=
        static_cast<ssize_t>(config.size()))
        return os_error("push image config");
    sdk::Caller call(stop_);
    TRY(request_.registry.push_blob(call, target_,
                                    {.digest = Digest::of(config).text(),
                                     .mount_from = {},
                                     .bytes = config.size(),
                                     .source = file.get()}));
    return {};
}

// Docker's type of a layer for OCI's, and the other way round; the bytes are the same.
std::string layer_type(const Descriptor& layer, bool oci) {
    const std::string& type = layer.media_type;
    const bool zstd = type.ends_with("zstd");
    const bool gzip = type.ends_with("gzip");
    if (oci)
        return zstd   ? "application/vnd.oci.image.layer.v1.tar+zstd"
               : gzip ? std::string(kOciGzip)
                      : "application/vnd.oci.image.layer.v1.tar";
    return zstd   ? "application/vnd.docker.image.rootfs.diff.tar.zstd"
           : gzip ? std::string(kDockerGzip)
                  : "application/vnd.docker.image.rootfs.diff.tar";
}

// When every blob is the one that the stored manifest names, that manifest goes as it is.
std::string Push::make_manifest(const std::string& config) const {
    const bool as_stored =
        stored_ && std::all_of(layers_.begin(), layers_.end(), [](const Layer& layer) {
            return layer.pushed->digest == layer.stored->digest;
        });
    if (as_stored) return stored_->text;
    const bool oci = stored_ && stored_->media_type == kOciManifest;
    array layers;
    for (const Layer& layer : layers_)
        layers.push_back(object{{"mediaType", layer_type(*layer.pushed, oci)},
                                {"size", layer.pushed->bytes},
                                {"digest", layer.pushed->digest.text()}});
    return boost::json::serialize(
        object{{"schemaVersion", 2},
               {"mediaType", oci ? kOciManifest : kDockerManifest},
               {"config", object{{"mediaType", oci ? kOciConfig : kDockerConfig},
                                 {"size", config.size()},
                                 {"digest", Digest::of(config).text()}}},
               {"layers", std::move(layers)}});
}

Result<PushResult> Push::run() {
    const std::string id = TRY(store_.resolve(request_.reference.text()));
    const auto lease = TRY(store_.lease(id));
    TRY(prepare(id));
    lines_.show({"", "The push refers to repository [" + request_.reference.repository() + "]"});
    for (const Layer& layer : layers_) tell(layer, "Preparing");
    TRY(push_layers());
    const std::string config = TRY(store_.config(id));
    TRY(send_config(config));
    const std::string manifest = make_manifest(config);
    const std::string type = stored_ ? stored_->media_type : std::string(kDockerManifest);
    const Digest digest = Digest::of(manifest);
    sdk::Caller call(stop_);
    TRY(request_.registry.push_manifest(
        call, target_,
        {.reference = *request_.reference.tag(), .media_type = type, .content = manifest}));
    TRY(store_.add_digest(request_.reference.repository(), digest, id));
    lines_.show({"", *request_.reference.tag() + ": digest: " + digest.text() +
                         " size: " + std::to_string(manifest.size())});
    return PushResult{id, digest, manifest.size()};
}

}  // namespace

Result<PushResult> push(ImageStore& store, const PushRequest& request) {
    const auto link = TRY(StopLink::create(request.cancel));
    return Push(store, request, link->token()).run();
}

}  // namespace davit::image
