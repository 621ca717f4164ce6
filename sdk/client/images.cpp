// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/images.hpp"

#include <boost/json/value.hpp>

namespace davit::sdk {

Result<boost::json::value> list_images(Client& client, const ListImages& which) {
    Query query;
    query.flag("all", which.all).flag("digests", which.digests).text("filters", which.filters);
    return client.call_json({"GET", "/images/json", query});
}

Result<std::string> inspect_image(Client& client, const std::string& name) {
    return std::move(TRY(client.call({"GET", "/images/" + encode_path(name) + "/json"})).body);
}

Result<boost::json::value> remove_image(Client& client, const std::string& name,
                                        const RemoveImage& how) {
    const auto query = Query().flag("force", how.force).flag("noprune", how.keep_parents);
    return client.call_json({"DELETE", "/images/" + encode_path(name), query});
}

Result<void> tag_image(Client& client, const std::string& name, const std::string& repository,
                       const std::string& tag) {
    const auto query = Query().add("repo", repository).text("tag", tag);
    TRY(client.call({"POST", "/images/" + encode_path(name) + "/tag", query}));
    return {};
}

Result<boost::json::value> image_history(Client& client, const std::string& name,
                                         const std::string& platform) {
    return client.call_json(
        {"GET", "/images/" + encode_path(name) + "/history", Query().text("platform", platform)});
}

Result<boost::json::value> prune_images(Client& client, const std::string& filters) {
    return client.call_json({"POST", "/images/prune", Query().text("filters", filters)});
}

Call pull_call(const PullImage& what) {
    Query query;
    query.add("fromImage", what.repository).text("tag", what.tag).text("platform", what.platform);
    Call call{"POST", "/images/create", query};
    if (!what.auth.empty()) call.headers.push_back({"X-Registry-Auth", what.auth});
    return call;
}

}  // namespace davit::sdk
