// SPDX-License-Identifier: Apache-2.0
// The Engine API's calls on images.
#pragma once

#include "sdk/client/client.hpp"

namespace davit::sdk {

struct ListImages {
    bool all = false;
    bool digests = false;
    std::string filters;  // JSON, or empty
};

struct RemoveImage {
    bool force = false;
    bool keep_parents = false;
};

Result<boost::json::value> list_images(Client& client, const ListImages& which);
// The daemon's own text.
Result<std::string> inspect_image(Client& client, const std::string& name);
// [{"Untagged": …}, {"Deleted": …}, …]
Result<boost::json::value> remove_image(Client& client, const std::string& name,
                                        const RemoveImage& how);

// `repository` and `tag` ("": latest) become one more name of the image.
Result<void> tag_image(Client& client, const std::string& name, const std::string& repository,
                       const std::string& tag);
// HistoryResponseItem[], newest first.
Result<boost::json::value> image_history(Client& client, const std::string& name,
                                         const std::string& platform);
// {"ImagesDeleted": […], "SpaceReclaimed": bytes}
Result<boost::json::value> prune_images(Client& client, const std::string& filters);

struct PullImage {
    std::string repository;
    std::string tag;       // a tag or a digest; empty: every tag
    std::string platform;  // os[/arch[/variant]], or empty
    std::string auth;      // value of X-Registry-Auth, or empty
    std::string storage;   // instance to keep it in; empty: the default
};
// To be given to Client::stream: progress objects, one a line.
Call pull_call(const PullImage& what);

struct PushImage {
    std::string repository;
    std::string tag;       // empty: every tag
    std::string platform;  // or empty
    std::string auth;      // value of X-Registry-Auth, or empty
};
// These four are to be given to Client::stream, or, for load and import, to Client::upload.
Call push_call(const PushImage& what);
Call save_call(const std::vector<std::string>& names, const std::string& platform);
Call load_call(bool quiet, const std::string& platform);
struct ImportImage {
    std::string repository, tag, message, platform;
    std::vector<std::string> changes;
};
Call import_call(const ImportImage& what);

struct CommitContainer {
    std::string container, repository, tag, author, message;
    std::vector<std::string> changes;
    bool pause = true;
};
// The new image's ID.
Result<std::string> commit_container(Client& client, const CommitContainer& what);

}  // namespace davit::sdk
