// SPDX-License-Identifier: Apache-2.0
// The images that this engine has: their records in the graph, their documents in the content
// store, their layers in storage instances. Used by pull and by the engine's image jobs and
// queries. Thread-safe.
#pragma once

#include "core/image/archive_logs.hpp"
#include "core/image/content_store.hpp"
#include "core/image/layer_archive.hpp"
#include "core/image/layer_table.hpp"
#include "core/image/manifest.hpp"
#include "core/image/reference.hpp"
#include "core/image/shared_documents.hpp"
#include "core/plugin/storage.hpp"
#include "core/store/database.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace davit::image {

class Syncer;

struct ImageRecord {
    std::string id;  // "sha256:…": the digest of its configuration
    std::int64_t created = 0,
                 added = 0;           // nanoseconds since 1970; `created` 0: the image does not say
    std::int64_t tagged = 0;          // when it last got a name here; 0: only pulls named it
    std::string parent;               // of an image built here
    std::vector<std::string> layers;  // chain IDs, lowest first
    std::uint64_t bytes = 0;          // in the files of all layers
    std::vector<std::string> tags;    // "nginx:latest"
    std::vector<std::string> digests;  // "nginx@sha256:…"
};

struct NewLayer {
    Digest chain_id, diff_id;
    std::optional<Descriptor> blob;  // none: made here, or out of an archive of the plain files
    LayerFacts facts;
};

// What the name of a pull led to.
struct Pulled {
    std::string repository;  // "docker.io/library/nginx"
    Digest digest;
};

struct NewImage {
    std::string config;                             // the documents themselves
    std::string manifest = {}, manifest_type = {};  // empty for an image made here
    std::string index = {}, index_type = {};        // empty when the reference named the manifest
    std::optional<Pulled> pulled = {};
    std::vector<Reference> names = {};  // tags that lead to it from now on
    std::string parent = {};            // of an image made here
    std::string instance = {};          // of storage
    std::vector<NewLayer> layers = {};
};

// A compressed form of a layer that a registry has or had.
struct KnownBlob {
    Descriptor blob;
    std::string origin;  // "docker.io/library/nginx"
};

struct Removed {
    std::string image;                  // that the names led to
    std::vector<std::string> untagged;  // "nginx:latest"
    std::vector<std::string> deleted;   // images: this one, then parents
    std::vector<std::string> layers;    // deleted with them
    std::uint64_t bytes = 0;            // in their files
};
struct RemoveOptions {
    bool force = false;
    bool prune_parents = true;
};

class ImageStore {
public:
    using FindStorage = std::function<Result<plugin::Storage>(const std::string& instance)>;

    ImageStore(store::Database& database, ContentStore content, ArchiveLogs logs,
               FindStorage find_storage);
    ~ImageStore();  // waits for syncs under way

    // The image that a user names: full or short ID, tag, digest. Errors: not_found "No such image:
    // x"; invalid.
    Result<std::string> resolve(std::string_view name);
    Result<ImageRecord> get(const std::string& id);
    Result<std::vector<ImageRecord>> list();
    // What each layer adds, lowest first.
    Result<std::vector<std::int64_t>> layer_sizes(const std::string& id);
    // In the layers that another image has as well.
    Result<std::uint64_t> shared_bytes(const std::string& id);
    // Whether a container was made from it.
    Result<bool> is_used(const std::string& id);
    // The image configuration, as the registry sent it.
    Result<std::string> config(const std::string& id);
    // The manifest that names this configuration; not_found for an image built here.
    Result<std::string> manifest(const std::string& id);

    // The driver of the storage that it lies in; "" for an image without layers. Only ever shown.
    Result<std::string> storage_driver(const std::string& id);
    // What a container's layer is prepared over in this instance; "" for an image without layers.
    // Errors: not_found when the image does not lie there.
    Result<std::string> top_layer(const std::string& id, const std::string& instance);
    Result<void> tag(const std::string& id, const Reference& name);
    // Errors: conflict, in Docker's words.
    Result<Removed> remove(std::string_view name, RemoveOptions options);

    // In all layers, those that images share once.
    Result<std::uint64_t> layer_bytes();

    // Removes layers that no image and no container uses any more. After containers were removed,
    // and at start.
    Result<void> collect();
    // Every layer key of an instance that has a record: for storage.retain at start, with the
    // containers' keys.
    Result<std::vector<std::string>> layer_keys(const std::string& instance);
    // After a boot: layers that were not synced before. On the same boot they only need the sync;
    // after an unclean one the images that hold them are forgotten, unless a container lies on
    // them: these are named in the answer.
    enum class Boot { same, unclean };
    Result<std::vector<std::string>> settle_unsynced(Boot boot);
    // Documents that no image names and logs that no layer has, left by a crash.
    Result<void> sweep_content();

    // ---- for save and push ----
    // While it lives none of the image's layers is removed.
    Result<std::unique_ptr<LayerTable::Lease>> lease(const std::string& id);
    // Errors: not_found for a layer whose archive cannot be made again.
    Result<LayerArchive> layer_archive(const std::string& chain_id, const Digest& diff_id);
    Result<std::string> manifest_type(const Digest& manifest);
    Result<std::vector<KnownBlob>> layer_blobs(const std::string& chain_id);
    Result<void> remember_blob(const std::string& chain_id, const Descriptor& blob,
                               const std::string& origin);
    Result<void> add_digest(const std::string& repository, const Digest& digest,
                            const std::string& id);

    // ---- for pull, load, import and commit ----
    LayerTable& layers() { return layers_; }
    const ArchiveLogs& logs() const { return logs_; }
    SharedDocuments& documents() { return documents_; }
    // What is known of a layer that lies committed in the instance.
    Result<std::optional<LayerFacts>> find_layer(const std::string& instance, const Digest& layer);
    // Makes image, manifests, layers and names visible at once. Answers whether the name led
    // elsewhere before.
    Result<bool> add(const NewImage& image);
    // Takes committed layers back that no record names and nobody else counts on, highest first.
    void give_up(const plugin::Storage& storage, const std::vector<Digest>& chain,
                 const std::vector<Digest>& diff_ids);
    // Syncs in the background and marks the instance's layers.
    void sync_later(const plugin::Storage& storage);

private:
    Result<std::string> resolve_id(std::string_view digits, std::string_view name);
    Result<std::string> resolve_reference(const Reference& reference);
    Result<void> fill(store::Database::Session& session, ImageRecord& record);
    Result<void> write_rows(store::Database::Session& session, const NewImage& image,
                            const std::string& id);
    Result<bool> point_names(store::Database::Session& session, const NewImage& image,
                             const std::string& id);
    Result<void> remove_layers(const std::unique_lock<std::mutex>& removal, Removed& removed);
    Result<void> remove_image(const std::string& id);
    Result<void> forget_layer(const std::string& instance, const std::string& chain_id);
    Result<void> drop_log(const Digest& diff_id);
    Result<std::string> instance_of(const std::string& id);
    void sync_now(const plugin::Storage& storage);

    store::Database& database_;
    ContentStore content_;
    ArchiveLogs logs_;
    FindStorage find_storage_;
    LayerTable layers_;
    SharedDocuments documents_;
    std::unique_ptr<Syncer> syncer_;
};

}  // namespace davit::image
