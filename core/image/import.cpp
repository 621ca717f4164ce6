// SPDX-License-Identifier: Apache-2.0
#include "core/image/import.hpp"

#include "core/image/config_changes.hpp"
#include "core/image/timestamp.hpp"
#include "sdk/base/json.hpp"

#include <fcntl.h>
#include <boost/json.hpp>

namespace davit::image {

using boost::json::array;
using boost::json::object;

namespace {

constexpr std::string_view kImportedBy = "Imported from -";  // docker's words

NewImage named(object config, const std::optional<Reference>& name, std::string parent) {
    NewImage image{.config = boost::json::serialize(config), .parent = std::move(parent)};
    if (name) image.names.push_back(*name);
    return image;
}

object root_of(const std::vector<Digest>& diff_ids) {
    array texts;
    for (const Digest& diff_id : diff_ids) texts.emplace_back(diff_id.text());
    return {{"type", "layers"}, {"diff_ids", std::move(texts)}};
}

}  // namespace

Result<std::string> import(ImageStore& store, const LayerWork& work, const ImportRequest& request) {
    object settings;
    TRY(apply_changes(settings, request.changes));
    const std::string created = format_time(now());
    const std::string comment =
        request.message.empty() ? std::string(kImportedBy) : request.message;
    Fd source(::fcntl(request.source, F_DUPFD_CLOEXEC, 0));
    if (!source) return os_error("import image");
    return add_on_top(
        store, work, {}, std::make_unique<FileSource>(std::move(source)),
        [&](const std::optional<Digest>& diff_id) -> Result<NewImage> {
            object config{{"architecture", request.platform.architecture},
                          {"os", request.platform.os},
                          {"created", created},
                          {"config", settings},
                          {"history", array{object{{"created", created}, {"comment", comment}}}},
                          {"rootfs", root_of({*diff_id})}};
            if (!request.platform.variant.empty()) config["variant"] = request.platform.variant;
            return named(std::move(config), request.name, {});
        });
}

Result<std::string> commit(ImageStore& store, const LayerWork& work, const CommitRequest& request,
                           std::unique_ptr<LayerSource> source) {
    object config =
        TRY(json::parse_object(request.base_config, "image config", {.bytes = kConfigMax}));
    const object settings = TRY(json::parse_object(request.config, "container config"));
    const std::string created = format_time(now());
    object step{{"created", created}, {"created_by", ""}, {"comment", request.comment}};
    std::string command;
    for (const std::string& word : json::get_strings(settings, "Cmd").value_or({}))
        command += (command.empty() ? "" : " ") + word;
    step["created_by"] = command;
    if (!request.author.empty()) step["author"] = request.author;
    const auto describe = [&](const std::optional<Digest>& diff_id) -> Result<NewImage> {
        std::vector<Digest> diff_ids = request.base_diff_ids;
        if (diff_id)
            diff_ids.push_back(*diff_id);
        else
            step["empty_layer"] = true;
        array history;
        if (const array* before = TRY(json::get_array(config, "history"))) history = *before;
        history.push_back(step);
        config["history"] = std::move(history);
        config["rootfs"] = root_of(diff_ids);
        config["config"] = settings;
        config["created"] = created;
        config["author"] = request.author;
        config["comment"] = request.comment;
        // What belonged to the image below, or to docker's older way of building.
        for (const char* other :
             {"container", "container_config", "docker_version", "id", "parent"})
            config.erase(other);
        return named(config, request.name, request.base);
    };
    return add_on_top(store, work, request.base_diff_ids, std::move(source), describe);
}

}  // namespace davit::image
