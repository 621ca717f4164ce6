// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/images.hpp"

#include "sdk/base/json.hpp"

#include <boost/json.hpp>

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
    query.text("storage", what.storage);
    Call call{"POST", "/images/create", query};
    if (!what.auth.empty()) call.headers.push_back({"X-Registry-Auth", what.auth});
    return call;
}

Call push_call(const PushImage& what) {
    Call call{"POST", "/images/" + encode_path(what.repository) + "/push",
              Query().text("tag", what.tag).text("platform", what.platform)};
    // The API wants the header, with or without credentials.
    call.headers.push_back({"X-Registry-Auth", what.auth.empty() ? "e30=" : what.auth});
    return call;
}

Call save_call(const std::vector<std::string>& names, const std::string& platform) {
    Query query;
    for (const std::string& name : names) query.add("names", name);
    query.text("platform", platform);
    return {"GET", "/images/get", query};
}

Call load_call(bool quiet, const std::string& platform) {
    return {"POST", "/images/load",
            Query().add("quiet", quiet ? "1" : "0").text("platform", platform)};
}

Call import_call(const ImportImage& what) {
    Query query;
    query.add("fromSrc", "-").text("repo", what.repository).text("tag", what.tag);
    query.text("message", what.message).text("platform", what.platform);
    for (const std::string& change : what.changes) query.add("changes", change);
    return {"POST", "/images/create", query};
}

Result<std::string> commit_container(Client& client, const CommitContainer& what) {
    Query query;
    query.add("container", what.container).text("repo", what.repository).text("tag", what.tag);
    query.text("author", what.author).text("comment", what.message);
    for (const std::string& change : what.changes) query.add("changes", change);
    query.add("pause", what.pause ? "1" : "0");
    const auto reply = TRY(client.call({"POST", "/commit", query}));
    return json::require_string(TRY(json::parse_object(reply.body, "the daemon's answer")), "Id");
}

}  // namespace davit::sdk
