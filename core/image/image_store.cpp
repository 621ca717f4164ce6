// SPDX-License-Identifier: Apache-2.0
// Reading: which images there are, and what names lead to them.
#include "core/image/image_store.hpp"

#include "core/image/syncer.hpp"

#include <algorithm>

namespace davit::image {

namespace {

constexpr std::size_t kIdDigits = 64;

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Error no_such_image(std::string_view name) {
    return fail(Code::not_found, "No such image: ", name);
}

}  // namespace

ImageStore::ImageStore(store::Database& database, ContentStore content, ArchiveLogs logs,
                       FindStorage find_storage)
    : database_(database),
      content_(std::move(content)),
      logs_(std::move(logs)),
      find_storage_(std::move(find_storage)),
      syncer_(std::make_unique<Syncer>(
          [this](const plugin::Storage& storage) { return sync_now(storage); })) {}

ImageStore::~ImageStore() = default;

// Docker's order: a full ID, a name, then the beginning of an ID.
Result<std::string> ImageStore::resolve(std::string_view name) {
    const bool prefixed = name.starts_with("sha256:");
    const std::string_view digits = prefixed ? name.substr(7) : name;
    const bool may_be_id = !digits.empty() && digits.size() <= kIdDigits && is_hex(digits);
    if (may_be_id && (prefixed || digits.size() == kIdDigits)) return resolve_id(digits, name);
    auto reference = Reference::parse(name);
    if (!reference) return std::move(reference).error();
    auto found = resolve_reference(reference->with_latest());
    if (found || !may_be_id || found.error().code != Code::not_found) return found;
    auto by_id = resolve_id(digits, name);
    return by_id || by_id.error().code != Code::not_found ? std::move(by_id) : std::move(found);
}

Result<std::string> ImageStore::resolve_id(std::string_view digits, std::string_view name) {
    std::vector<std::string> found;
    // Two are enough to know that it is ambiguous. A hexadecimal text holds no wildcard.
    TRY(database_.session().each(
        "SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2",
        [&](const store::Row& row) { found.push_back(row.text(0)); },
        "sha256:" + std::string(digits), "sha256:" + std::string(digits) + "g"));
    if (found.size() > 1)
        return fail(Code::invalid, "multiple IDs found with provided prefix: ", name);
    if (found.empty()) return no_such_image(name);
    return found.front();
}

Result<std::string> ImageStore::resolve_reference(const Reference& reference) {
    std::optional<std::string> found;
    const auto take = [&](const store::Row& row) { found = row.text(0); };
    auto session = database_.session();
    if (reference.digest()) {
        TRY(session.each("SELECT image FROM image_digests WHERE repository = ? AND digest = ?",
                         take, reference.repository(), reference.digest()->text()));
    } else {
        TRY(session.each("SELECT image FROM image_names WHERE repository = ? AND tag = ?", take,
                         reference.repository(), *reference.tag()));
    }
    if (!found) return no_such_image(reference.familiar());
    return *found;
}

Result<void> ImageStore::fill(store::Database::Session& session, ImageRecord& record) {
    TRY(session.each(
        "SELECT l.chain_id, l.bytes FROM image_layers i JOIN layers l ON l.chain_id = i.layer "
        "WHERE i.image = ? ORDER BY i.position",
        [&](const store::Row& row) {
            record.layers.push_back(row.text(0));
            record.bytes += static_cast<std::uint64_t>(row.integer(1));
        },
        record.id));
    TRY(session.each(
        "SELECT repository, tag, updated FROM image_names WHERE image = ? ORDER BY repository, tag",
        [&](const store::Row& row) {
            record.tagged = std::max(record.tagged, row.integer(2));
            record.tags.push_back(familiar_repository(row.view(0)) + ":" + row.text(1));
        },
        record.id));
    return session.each(
        "SELECT repository, digest FROM image_digests WHERE image = ? ORDER BY repository, digest",
        [&](const store::Row& row) {
            record.digests.push_back(familiar_repository(row.view(0)) + "@" + row.text(1));
        },
        record.id);
}

namespace {

constexpr auto kRead = [](const store::Row& row) {
    ImageRecord record;
    record.id = row.text(0);
    record.created = row.integer(1);
    record.added = row.integer(2);
    record.parent = row.null(3) ? std::string() : row.text(3);
    return record;
};

}  // namespace

Result<ImageRecord> ImageStore::get(const std::string& id) {
    std::optional<ImageRecord> found;
    auto session = database_.session();
    TRY(session.each(
        "SELECT id, created, added, parent FROM images WHERE id = ?",
        [&](const store::Row& row) { found = kRead(row); }, id));
    if (!found) return no_such_image(id);
    TRY(fill(session, *found));
    return std::move(*found);
}

Result<std::vector<ImageRecord>> ImageStore::list() {
    std::vector<ImageRecord> found;
    auto session = database_.session();
    TRY(session.each("SELECT id, created, added, parent FROM images ORDER BY created DESC, id",
                     [&](const store::Row& row) { found.push_back(kRead(row)); }));
    for (ImageRecord& record : found) TRY(fill(session, record));
    return found;
}

Result<std::vector<std::int64_t>> ImageStore::layer_sizes(const std::string& id) {
    std::vector<std::int64_t> sizes;
    TRY(database_.session().each(
        "SELECT l.bytes FROM image_layers i JOIN layers l ON l.chain_id = i.layer "
        "WHERE i.image = ? ORDER BY i.position",
        [&](const store::Row& row) { sizes.push_back(row.integer(0)); }, id));
    return sizes;
}

Result<std::uint64_t> ImageStore::shared_bytes(const std::string& id) {
    std::uint64_t bytes = 0;
    TRY(database_.session().each(
        "SELECT l.bytes FROM image_layers i JOIN layers l ON l.chain_id = i.layer WHERE i.image = "
        "? "
        "AND EXISTS (SELECT 1 FROM image_layers o WHERE o.layer = i.layer AND o.image <> i.image)",
        [&](const store::Row& row) { bytes += static_cast<std::uint64_t>(row.integer(0)); }, id));
    return bytes;
}

Result<bool> ImageStore::is_used(const std::string& id) {
    bool used = false;
    TRY(database_.session().each(
        "SELECT 1 FROM containers WHERE image = ? AND status <> 'removing' LIMIT 1",
        [&](const store::Row&) { used = true; }, id));
    return used;
}

Result<std::string> ImageStore::config(const std::string& id) {
    return content_.get(TRY(Digest::parse(id))).context("read image ", id);
}

Result<std::string> ImageStore::manifest(const std::string& id) {
    std::optional<std::string> digest;
    // An index is kept beside the manifest; what is wanted is the document that names layers.
    TRY(database_.session().each(
        "SELECT digest FROM manifests WHERE image = ? AND media_type IN (?, ?)",
        [&](const store::Row& row) { digest = row.text(0); }, id, kOciManifest, kDockerManifest));
    if (!digest) return fail(Code::not_found, "read manifest of ", id, ": there is none");
    return content_.get(TRY(Digest::parse(*digest)));
}

Result<std::string> ImageStore::instance_of(const std::string& id) {
    std::string instance;
    TRY(database_.session().each(
        "SELECT s.instance FROM images i JOIN layer_instances s ON s.layer = i.top_layer "
        "WHERE i.id = ? ORDER BY s.instance LIMIT 1",
        [&](const store::Row& row) { instance = row.text(0); }, id));
    return instance;
}

Result<std::string> ImageStore::storage_driver(const std::string& id) {
    const std::string instance = TRY(instance_of(id));
    if (instance.empty()) return std::string();
    return TRY(find_storage_(instance)).driver();
}

Result<std::string> ImageStore::top_layer(const std::string& id, const std::string& instance) {
    std::optional<std::string> top, key;
    auto session = database_.session();
    bool known = false;
    TRY(session.each(
        "SELECT top_layer FROM images WHERE id = ?",
        [&](const store::Row& row) {
            known = true;
            if (!row.null(0)) top = row.text(0);
        },
        id));
    if (!known) return no_such_image(id);
    if (!top) return std::string();
    TRY(session.each(
        "SELECT key FROM layer_instances WHERE instance = ? AND layer = ?",
        [&](const store::Row& row) { key = row.text(0); }, instance, *top));
    if (!key)
        return fail(Code::not_found, "find image ", id, " in storage ", instance,
                    ": it lies elsewhere; pull it there");
    return *key;
}

Result<std::optional<LayerFacts>> ImageStore::find_layer(const std::string& instance,
                                                         const Digest& layer) {
    std::optional<LayerFacts> facts = layers_.made(instance, layer);
    if (facts) return facts;
    TRY(database_.session().each(
        "SELECT l.bytes, l.entries FROM layer_instances i JOIN layers l ON l.chain_id = i.layer "
        "WHERE i.instance = ? AND i.layer = ?",
        [&](const store::Row& row) {
            facts = LayerFacts{static_cast<std::uint64_t>(row.integer(0)),
                               static_cast<std::uint64_t>(row.integer(1))};
        },
        instance, layer.text()));
    return facts;
}

Result<std::vector<std::string>> ImageStore::layer_keys(const std::string& instance) {
    std::vector<std::string> keys;
    TRY(database_.session().each(
        "SELECT key FROM layer_instances WHERE instance = ?",
        [&](const store::Row& row) { keys.push_back(row.text(0)); }, instance));
    return keys;
}

}  // namespace davit::image
