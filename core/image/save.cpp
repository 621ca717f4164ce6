// SPDX-License-Identifier: Apache-2.0
#include "core/image/save.hpp"

#include "core/image/tar_writer.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

namespace davit::image {

using boost::json::array;
using boost::json::object;

namespace {

constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view kLayerType = "application/vnd.oci.image.layer.v1.tar";
constexpr std::string_view kLayout = R"({"imageLayoutVersion":"1.0.0"})";

struct Chosen {
    std::string id;
    std::vector<Reference> tags;
};

std::string blob_path(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

object descriptor(std::string_view type, const Digest& digest, std::uint64_t bytes) {
    return {{"mediaType", type}, {"digest", digest.text()}, {"size", bytes}};
}

// Entries of the archive, each blob once.
class Layout {
public:
    Layout(ImageStore& store, const SaveRequest& request) : store_(store), request_(request) {}

    Result<void> begin() {
        TRY(directory("blobs/"));
        return directory("blobs/sha256/");
    }
    Result<void> add(const Chosen& image);
    Result<void> finish();

private:
    Result<void> directory(const std::string& name) {
        return request_.sink(tar_header({.name = name, .type = TarType::directory, .mode = 0755}));
    }
    Result<void> document(const std::string& name, std::string_view text) {
        TRY(request_.sink(tar_header({.name = name, .size = text.size()})));
        TRY(request_.sink(text));
        return request_.sink(tar_padding(text.size()));
    }
    Result<void> blob(std::string_view text) {
        const Digest digest = Digest::of(text);
        if (!written_.insert(digest).second) return {};
        return document(blob_path(digest), text);
    }
    Result<std::uint64_t> layer(const std::string& chain_id, const Digest& diff_id);

    ImageStore& store_;
    const SaveRequest& request_;
    std::set<Digest> written_;
    std::map<Digest, std::uint64_t> layer_bytes_;
    array index_, manifest_;
    object repositories_;
};

Result<std::uint64_t> Layout::layer(const std::string& chain_id, const Digest& diff_id) {
    if (const auto known = layer_bytes_.find(diff_id); known != layer_bytes_.end())
        return known->second;
    const LayerArchive archive = TRY(store_.layer_archive(chain_id, diff_id));
    TRY(request_.sink(tar_header({.name = blob_path(diff_id), .size = archive.bytes()})));
    TRY(archive.write(diff_id, [&](std::string_view bytes) -> Result<void> {
        TRY(request_.cancel->check("save image"));
        return request_.sink(bytes);
    }));
    TRY(request_.sink(tar_padding(archive.bytes())));
    layer_bytes_[diff_id] = archive.bytes();
    return archive.bytes();
}

Result<void> Layout::add(const Chosen& image) {
    const ImageRecord record = TRY(store_.get(image.id));
    const std::string config = TRY(store_.config(image.id));
    const ImageConfig parsed = TRY(parse_config(config));
    array layers, paths, tags;
    object sources;
    for (std::size_t i = 0; i < parsed.diff_ids.size(); ++i) {
        const Digest& diff_id = parsed.diff_ids[i];
        const std::uint64_t bytes = TRY(layer(record.layers.at(i), diff_id));
        layers.push_back(descriptor(kLayerType, diff_id, bytes));
        sources[diff_id.text()] = layers.back();
        paths.emplace_back(blob_path(diff_id));
    }
    TRY(blob(config));
    const Digest config_digest = TRY(Digest::parse(image.id));
    const std::string manifest = boost::json::serialize(
        object{{"schemaVersion", 2},
               {"mediaType", kOciManifest},
               {"config", descriptor(kConfigType, config_digest, config.size())},
               {"layers", std::move(layers)}});
    TRY(blob(manifest));
    const object entry = descriptor(kOciManifest, Digest::of(manifest), manifest.size());
    for (const Reference& tag : image.tags) {
        tags.emplace_back(tag.familiar());
        object named = entry;
        named["annotations"] = object{{"io.containerd.image.name", tag.text()},
                                      {"org.opencontainers.image.ref.name", *tag.tag()}};
        index_.push_back(std::move(named));
        auto& repository = repositories_[tag.familiar_name()];
        if (!repository.is_object()) repository = object();
        repository.get_object()[*tag.tag()] = config_digest.hex();
    }
    if (image.tags.empty()) index_.push_back(entry);
    manifest_.push_back(
        object{{"Config", blob_path(config_digest)},
               {"RepoTags", tags.empty() ? boost::json::value(nullptr) : std::move(tags)},
               {"Layers", std::move(paths)},
               {"LayerSources", std::move(sources)}});
    return {};
}

Result<void> Layout::finish() {
    TRY(document("index.json", boost::json::serialize(object{{"schemaVersion", 2},
                                                             {"mediaType", kOciIndex},
                                                             {"manifests", std::move(index_)}})));
    TRY(document("manifest.json", boost::json::serialize(manifest_)));
    TRY(document("oci-layout", kLayout));
    if (!repositories_.empty())
        TRY(document("repositories", boost::json::serialize(repositories_)));
    return request_.sink(tar_end());
}

bool names_tag(const std::string& name, const std::string& id) {
    const std::string_view digits =
        std::string_view(name).starts_with("sha256:") ? std::string_view(name).substr(7) : name;
    return !std::string_view(id).substr(7).starts_with(digits);
}

// A name without a tag means every tag of the repository, as it does to docker.
Result<void> choose_repository(ImageStore& store, const Reference& wanted,
                               std::vector<std::pair<std::string, Reference>>& found) {
    for (const ImageRecord& record : TRY(store.list()))
        for (const std::string& tag : record.tags) {
            Reference reference = TRY(Reference::parse(tag));
            if (reference.repository() == wanted.repository())
                found.emplace_back(record.id, std::move(reference));
        }
    return {};
}

Result<void> choose_name(ImageStore& store, const std::string& name, std::vector<Chosen>& chosen) {
    std::vector<std::pair<std::string, Reference>> tagged;
    const auto reference = Reference::parse(name);
    if (reference && !reference->tag() && !reference->digest())
        TRY(choose_repository(store, *reference, tagged));
    if (tagged.empty()) {
        const std::string id = TRY(store.resolve(name));
        if (reference && !reference->digest() && names_tag(name, id))
            tagged.emplace_back(id, reference->with_latest());
        else if (std::none_of(chosen.begin(), chosen.end(),
                              [&](const Chosen& one) { return one.id == id; }))
            chosen.push_back({id, {}});
    }
    for (auto& [id, tag] : tagged) {
        auto known = std::find_if(chosen.begin(), chosen.end(),
                                  [&](const Chosen& one) { return one.id == id; });
        if (known == chosen.end()) known = chosen.insert(chosen.end(), Chosen{id, {}});
        known->tags.push_back(std::move(tag));
    }
    return {};
}

Result<void> check_platform(ImageStore& store, const Chosen& image, const Platform& wanted) {
    const auto config = TRY(parse_config(TRY(store.config(image.id))));
    if (match(wanted, config.platform) != 0) return {};
    return fail(Code::not_found, "image ", image.id, " is for ", config.platform.normal().text(),
                ", not for ", wanted.text());
}

}  // namespace

Result<std::vector<std::string>> save(ImageStore& store, const SaveRequest& request) {
    std::vector<Chosen> chosen;
    for (const std::string& name : request.names) TRY(choose_name(store, name, chosen));
    std::vector<std::string> ids;
    for (const Chosen& image : chosen) {
        if (request.platform) TRY(check_platform(store, image, *request.platform));
        ids.push_back(image.id);
    }
    Layout layout(store, request);
    TRY(layout.begin());
    for (const Chosen& image : chosen) TRY(layout.add(image));
    TRY(layout.finish());
    return ids;
}

}  // namespace davit::image
