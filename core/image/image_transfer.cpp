// SPDX-License-Identifier: Apache-2.0
// The store's part in save and push: a layer's archive, and where its blobs are.
#include "core/image/image_store.hpp"

#include "davit/storage.h"

namespace davit::image {

using store::Row;

Result<std::unique_ptr<LayerTable::Lease>> ImageStore::lease(const std::string& id) {
    const auto removal = layers_.removal_lock();
    std::vector<Digest> chain;
    for (const std::string& layer : TRY(get(id)).layers) chain.push_back(TRY(Digest::parse(layer)));
    return std::make_unique<LayerTable::Lease>(layers_, TRY(instance_of(id)), std::move(chain));
}

Result<LayerArchive> ImageStore::layer_archive(const std::string& chain_id, const Digest& diff_id) {
    std::string instance, key;
    TRY(database_.session().each(
        "SELECT instance, key FROM layer_instances WHERE layer = ? ORDER BY instance DESC",
        [&](const Row& row) {
            instance = row.text(0);
            key = row.text(1);
        },
        chain_id));
    auto log = logs_.find(diff_id);
    if (instance.empty() || (!log && log.error().code == Code::not_found))
        return fail(Code::not_found, "make layer ", diff_id.brief(),
                    " again: it was unpacked without a log; pull the image anew");
    sdk::Caller call;
    Fd mount = TRY(TRY(find_storage_(instance)).mount(call, key, DAVIT_STORAGE_READ_ONLY));
    return LayerArchive::open(TRY(std::move(log)), std::move(mount));
}

Result<std::string> ImageStore::manifest_type(const Digest& manifest) {
    std::string type;
    TRY(database_.session().each(
        "SELECT media_type FROM manifests WHERE digest = ?",
        [&](const Row& row) { type = row.text(0); }, manifest.text()));
    if (type.empty())
        return fail(Code::not_found, "find manifest ", manifest.text(), ": there is none");
    return type;
}

Result<std::vector<KnownBlob>> ImageStore::layer_blobs(const std::string& chain_id) {
    std::vector<KnownBlob> found;
    // A diff that lies on other layers has the same blobs.
    TRY(database_.session().each(
        "SELECT DISTINCT b.digest, b.bytes, b.media_type, b.origin FROM layer_blobs b "
        "JOIN layers l ON l.chain_id = b.layer "
        "WHERE l.diff_id = (SELECT diff_id FROM layers WHERE chain_id = ?)",
        [&](const Row& row) -> Result<void> {
            found.push_back({{row.text(2), TRY(Digest::parse(row.view(0))),
                              static_cast<std::uint64_t>(row.integer(1))},
                             row.text(3)});
            return {};
        },
        chain_id));
    return found;
}

Result<void> ImageStore::remember_blob(const std::string& chain_id, const Descriptor& blob,
                                       const std::string& origin) {
    return database_.session().run(
        "INSERT INTO layer_blobs (layer, digest, bytes, media_type, origin) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        chain_id, blob.digest.text(), blob.bytes, blob.media_type, origin);
}

Result<void> ImageStore::add_digest(const std::string& repository, const Digest& digest,
                                    const std::string& id) {
    return database_.session().run(
        "INSERT INTO image_digests (repository, digest, image) VALUES (?, ?, ?) "
        "ON CONFLICT (repository, digest) DO UPDATE SET image = excluded.image",
        repository, digest.text(), id);
}

Result<std::uint64_t> ImageStore::layer_bytes() {
    std::uint64_t bytes = 0;
    TRY(database_.session().each(
        "SELECT sum(l.bytes) FROM layers l JOIN layer_instances i ON i.layer = l.chain_id",
        [&](const Row& row) {
            if (!row.null(0)) bytes = static_cast<std::uint64_t>(row.integer(0));
        }));
    return bytes;
}

}  // namespace davit::image
