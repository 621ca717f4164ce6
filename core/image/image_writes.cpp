// SPDX-License-Identifier: Apache-2.0
// Writing: images come, layers are synced and collected.
#include "core/image/image_store.hpp"
#include "core/image/syncer.hpp"
#include "core/image/timestamp.hpp"

#include <set>

namespace davit::image {

using store::Database;
using store::Row;

namespace {

std::optional<std::string> parent_of(const std::vector<NewLayer>& layers, std::size_t position) {
    if (position == 0) return std::nullopt;
    return layers[position - 1].chain_id.text();
}

Result<void> write_layers(Database::Session& session, const NewImage& image) {
    for (std::size_t i = 0; i < image.layers.size(); ++i) {
        const NewLayer& layer = image.layers[i];
        const std::string chain = layer.chain_id.text();
        TRY(session.run(
            "INSERT INTO layers (chain_id, diff_id, parent, bytes, entries) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            chain, layer.diff_id.text(), parent_of(image.layers, i), layer.facts.bytes,
            layer.facts.entries));
        TRY(session.run(
            "INSERT INTO layer_instances (instance, layer, key, synced) VALUES (?, ?, ?, 0) "
            "ON CONFLICT DO NOTHING",
            image.instance, chain, chain));
        if (!layer.blob) continue;
        TRY(
            session.run("INSERT INTO layer_blobs (layer, digest, bytes, media_type, origin) VALUES "
                        "(?, ?, ?, ?, ?) "
                        "ON CONFLICT DO NOTHING",
                        chain, layer.blob->digest.text(), layer.blob->bytes, layer.blob->media_type,
                        image.pulled ? image.pulled->repository : ""));
    }
    return {};
}

Result<void> write_manifest(Database::Session& session, const std::string& id,
                            const std::string& document, const std::string& media_type) {
    if (document.empty()) return {};
    return session.run(
        "INSERT INTO manifests (digest, image, media_type, bytes) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        Digest::of(document).text(), id, media_type, document.size());
}

}  // namespace

Result<void> ImageStore::write_rows(Database::Session& session, const NewImage& image,
                                    const std::string& id) {
    TRY(write_layers(session, image));
    const ImageConfig config = TRY(parse_config(image.config));
    std::optional<std::string> top;
    if (!image.layers.empty()) top = image.layers.back().chain_id.text();
    std::optional<std::string> parent;
    if (!image.parent.empty()) parent = image.parent;
    TRY(
        session.run("INSERT INTO images (id, created, added, parent, top_layer) VALUES "
                    "(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    id, parse_time(config.created).value_or(0), now(), parent, top));
    for (std::size_t i = 0; i < image.layers.size(); ++i)
        TRY(
            session.run("INSERT INTO image_layers (image, position, layer) VALUES (?, ?, ?) ON "
                        "CONFLICT DO NOTHING",
                        id, i, image.layers[i].chain_id.text()));
    TRY(write_manifest(session, id, image.manifest, image.manifest_type));
    return write_manifest(session, id, image.index, image.index_type);
}

// Answers whether one of them led elsewhere, or nowhere.
Result<bool> ImageStore::point_names(Database::Session& session, const NewImage& image,
                                     const std::string& id) {
    bool changed = false;
    const auto leads_here = [&](bool& same) { return [&same](const Row&) { same = true; }; };
    if (image.pulled) {
        bool same = false;
        TRY(session.each(
            "SELECT 1 FROM image_digests WHERE repository = ? AND digest = ? AND image = ?",
            leads_here(same), image.pulled->repository, image.pulled->digest.text(), id));
        TRY(
            session.run("INSERT INTO image_digests (repository, digest, image) VALUES (?, ?, ?) "
                        "ON CONFLICT (repository, digest) DO UPDATE SET image = excluded.image",
                        image.pulled->repository, image.pulled->digest.text(), id));
        changed = !same && image.names.empty();  // a name with a digest makes no tag
    }
    // Pulled names are not "tagged" here, in Docker neither.
    const std::int64_t updated = image.pulled ? 0 : now();
    for (const Reference& name : image.names) {
        bool same = false;
        TRY(session.each("SELECT 1 FROM image_names WHERE repository = ? AND tag = ? AND image = ?",
                         leads_here(same), name.repository(), *name.tag(), id));
        TRY(
            session.run("INSERT INTO image_names (repository, tag, image, updated) VALUES "
                        "(?, ?, ?, ?) "
                        "ON CONFLICT (repository, tag) DO UPDATE SET image = excluded.image",
                        name.repository(), *name.tag(), id, updated));
        changed |= !same;
    }
    return changed;
}

// Documents first: a row never names what is not there. What a failure leaves is swept at the next
// start at the latest.
Result<bool> ImageStore::add(const NewImage& image) {
    const auto removal = layers_.removal_lock();  // nobody sweeps the documents away in between
    const std::string id = TRY(content_.put(image.config)).text();
    for (const std::string& document : {image.manifest, image.index})
        if (!document.empty()) TRY(content_.put(document));
    auto transaction = TRY(database_.begin(store::Durability::power_loss));
    TRY(write_rows(transaction, image, id));
    const bool changed = TRY(point_names(transaction, image, id));
    TRY(transaction.commit());
    return changed;
}

Result<void> ImageStore::tag(const std::string& id, const Reference& name) {
    const Reference named = name.with_latest();
    if (named.digest())
        return fail(Code::invalid, "refusing to create a tag with a digest reference");
    TRY(get(id));
    return database_.session().run(
        "INSERT INTO image_names (repository, tag, image, updated) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (repository, tag) DO UPDATE SET image = excluded.image, updated = "
        "excluded.updated",
        named.repository(), *named.tag(), id, now());
}

void ImageStore::give_up(const plugin::Storage& storage, const std::vector<Digest>& chain,
                         const std::vector<Digest>& diff_ids) {
    const auto removal = layers_.removal_lock();
    for (std::size_t i = chain.size(); i-- > 0;) {
        if (layers_.leased(storage.instance(), chain[i])) continue;
        const auto known = find_layer(storage.instance(), chain[i]);
        if (!known || *known) continue;
        // What fails here is found at the next start: no record names it.
        sdk::Caller call;
        (void)storage.remove(call, chain[i].text());
        (void)drop_log(diff_ids[i]);
    }
}

// Unless a layer of that content is left.
Result<void> ImageStore::drop_log(const Digest& diff_id) {
    bool used = false;
    TRY(database_.session().each(
        "SELECT 1 FROM layers WHERE diff_id = ? LIMIT 1", [&](const Row&) { used = true; },
        diff_id.text()));
    return used ? Result<void>() : logs_.remove(diff_id);
}

void ImageStore::sync_later(const plugin::Storage& storage) { syncer_->request(storage); }

// Layers committed after the list was made wait for their own sync.
void ImageStore::sync_now(const plugin::Storage& storage) {
    std::vector<std::string> layers;
    const auto listed = database_.session().each(
        "SELECT layer FROM layer_instances WHERE instance = ? AND synced = 0",
        [&](const Row& row) { layers.push_back(row.text(0)); }, storage.instance());
    sdk::Caller call;
    if (!listed || !storage.sync(call) || !content_.sync())
        return;  // unsynced is what the rows go on saying
    auto transaction = database_.begin();
    if (!transaction) return;
    for (const std::string& layer : layers)
        if (!transaction->run(
                "UPDATE layer_instances SET synced = 1 WHERE instance = ? AND layer = ?",
                storage.instance(), layer))
            return;
    (void)transaction->commit();  // as above
}

// The records, and the log. They go first: what is left after a crash is found by `retain`.
Result<void> ImageStore::forget_layer(const std::string& instance, const std::string& chain_id) {
    std::string diff_id;
    {
        auto transaction = TRY(database_.begin());
        TRY(transaction.each(
            "SELECT diff_id FROM layers WHERE chain_id = ?",
            [&](const Row& row) { diff_id = row.text(0); }, chain_id));
        TRY(transaction.run("DELETE FROM layer_instances WHERE instance = ? AND layer = ?",
                            instance, chain_id));
        TRY(
            transaction.run("DELETE FROM layers WHERE chain_id = ? AND NOT EXISTS "
                            "(SELECT 1 FROM layer_instances i WHERE i.layer = chain_id)",
                            chain_id));
        TRY(transaction.commit());
    }
    return drop_log(TRY(Digest::parse(diff_id)));
}

// Highest first: each removal may free the layer below.
Result<void> ImageStore::remove_layers(const std::unique_lock<std::mutex>&, Removed& removed) {
    struct Victim {
        std::string instance, layer, key;
        std::uint64_t bytes;
    };
    for (;;) {
        std::vector<Victim> victims;
        TRY(database_.session().each(
            "SELECT i.instance, i.layer, i.key, f.bytes FROM layer_instances i "
            "JOIN layers f ON f.chain_id = i.layer WHERE NOT EXISTS (SELECT 1 FROM image_layers u "
            "WHERE u.layer = i.layer) "
            "AND NOT EXISTS (SELECT 1 FROM containers c WHERE c.storage_instance = i.instance AND "
            "c.parent_layer = i.key) "
            "AND NOT EXISTS (SELECT 1 FROM layers l JOIN layer_instances o ON o.layer = l.chain_id "
            "                WHERE l.parent = i.layer AND o.instance = i.instance)",
            [&](const Row& row) {
                victims.push_back({row.text(0), row.text(1), row.text(2),
                                   static_cast<std::uint64_t>(row.integer(3))});
            }));
        std::erase_if(victims, [&](const Victim& victim) {
            const auto digest = Digest::parse(victim.layer);
            return !digest || layers_.leased(victim.instance, *digest);
        });
        if (victims.empty()) return {};
        for (const Victim& victim : victims) {
            const auto storage =
                TRY(find_storage_(victim.instance).context("remove layer ", victim.layer));
            TRY(forget_layer(victim.instance, victim.layer));
            sdk::Caller call;
            TRY(storage.remove(call, victim.key).context("remove layer ", victim.layer));
            removed.layers.push_back(victim.layer);
            removed.bytes += victim.bytes;
        }
    }
}

Result<void> ImageStore::collect() {
    const auto removal = layers_.removal_lock();
    Removed removed;
    return remove_layers(removal, removed);
}

Result<void> ImageStore::sweep_content() {
    const auto removal = layers_.removal_lock();
    std::set<std::string> used;
    const auto use = [&](const Row& row) { used.insert(row.text(0)); };
    TRY(database_.session().each("SELECT id FROM images UNION SELECT digest FROM manifests", use));
    for (const Digest& digest : TRY(content_.list()))
        if (!used.contains(digest.text())) TRY(content_.remove(digest));
    used.clear();
    TRY(database_.session().each("SELECT DISTINCT diff_id FROM layers", use));
    for (const Digest& diff_id : TRY(logs_.list()))
        if (!used.contains(diff_id.text())) TRY(logs_.remove(diff_id));
    return {};
}

}  // namespace davit::image
