// SPDX-License-Identifier: Apache-2.0
#include "core/image/distribution.hpp"

#include "core/image/download.hpp"

#include <boost/json.hpp>

namespace davit::image {

using boost::json::array;
using boost::json::object;

namespace {

object platform_json(const Platform& platform) {
    object result{{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) result["variant"] = platform.variant;
    return result;
}

Result<array> platforms_of(const Origin& origin, const std::string& text,
                           const std::string& media_type, const std::shared_ptr<Cancel>& cancel) {
    const auto parsed = TRY(parse_manifest(text, media_type));
    array platforms;
    if (const Index* index = std::get_if<Index>(&parsed)) {
        for (const IndexEntry& entry : index->entries)
            if (entry.platform) platforms.push_back(platform_json(*entry.platform));
        return platforms;
    }
    const Manifest& manifest = std::get<Manifest>(parsed);
    const auto config = TRY(parse_config(TRY(fetch_document(origin, manifest.config, cancel))));
    platforms.push_back(platform_json(config.platform));
    return platforms;
}

}  // namespace

Result<object> inspect_remote(const plugin::Registry& registry, const Reference& reference,
                              const std::string& auth, const std::shared_ptr<Cancel>& cancel) {
    const Origin origin{registry, {reference.host(), reference.path(), auth}};
    sdk::Caller call(cancel);
    auto remote =
        TRY(registry.resolve(call, origin.repository, reference.wanted(), accepted_media_types()));
    const Descriptor top{remote.media_type, TRY(Digest::parse(remote.digest)), remote.bytes};
    if (remote.content.empty() && top.bytes > kManifestMax)
        return fail(Code::invalid, "read manifest: it is too large");
    if (remote.content.empty()) remote.content = TRY(fetch_document(origin, top, cancel));
    if (Digest::of(remote.content) != top.digest)
        return fail(Code::corrupt, "read manifest: it is not what its digest says");
    auto platforms = TRY(platforms_of(origin, remote.content, remote.media_type, cancel));
    return object{{"Descriptor", object{{"mediaType", remote.media_type},
                                        {"digest", remote.digest},
                                        {"size", remote.content.size()}}},
                  {"Platforms", std::move(platforms)}};
}

}  // namespace davit::image
