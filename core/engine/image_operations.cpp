// SPDX-License-Identifier: Apache-2.0
#include "core/engine/engine.hpp"
#include "core/image/image_json.hpp"
#include "core/image/pull.hpp"
#include "core/job/filters.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using image::Reference;
using job::Job;

// fromImage and tag of POST /images/create; the tag may be a digest.
Result<Reference> reference_of(const Job& job) {
    std::string text = job.argument("fromImage");
    if (text.empty()) return fail(Code::invalid, "pull image: no image named");
    const std::string tag = job.argument("tag");
    if (!tag.empty()) text += (tag.find(':') != std::string::npos ? "@" : ":") + tag;
    return TRY(Reference::parse(text)).with_latest();
}

// "linux/arm64/v8", or JSON of newer clients.
Result<std::optional<image::Platform>> platform_of(const Job& job) {
    const std::string text = job.argument("platform");
    if (text.empty()) return std::optional<image::Platform>();
    return std::optional<image::Platform>(TRY(image::Platform::parse(text)));
}

bj::object progress_line(const image::PullProgress& progress) {
    bj::object line{{"status", progress.status}};
    if (!progress.id.empty()) line["id"] = progress.id;
    if (progress.total > 0)
        line["progressDetail"] =
            bj::object{{"current", progress.current}, {"total", progress.total}};
    else
        line["progressDetail"] = bj::object();
    return line;
}

Result<void> pull(Engine& engine, Job& job) {
    const Reference reference = TRY(reference_of(job));
    job.describe(reference.familiar());
    Result<void> told;
    const image::PullRequest request{
        .reference = reference,
        .platform = TRY(platform_of(job)),
        .auth = std::string(job.request().auth),
        .registry = TRY(engine.registry("")),
        .storage = TRY(engine.storage(job.argument("storage"))),
        .unpacker = TRY(engine.unpacker()),
        .cancel = job.cancel(),
        .progress = [&](const image::PullProgress& progress) {
            if (told) told = job.progress(progress_line(progress));
            if (!told) job.cancel()->request();  // nobody is listening any more
        }};
    TRY(image::pull(engine.images(), request));
    engine.events().publish({.type = "image",
                             .action = "pull",
                             .id = reference.familiar(),
                             .attributes = {{"name", reference.familiar_name()}}});
    return {};
}

Result<void> list(Engine& engine, Job& job) {
    std::map<std::string, int> used;
    for (const auto& container : engine.containers().list()) ++used[container->record().image];
    bj::array entries = TRY(image::list(
        engine.images(),
        {.all = job.flag("all"), .filters = TRY(job::parse_filters(job.argument("filters")))}));
    for (bj::value& entry : entries) {
        const auto count = used.find(std::string(entry.get_object()["Id"].get_string()));
        entry.get_object()["Containers"] = count == used.end() ? 0 : count->second;
    }
    return job.result(entries);
}

Result<void> inspect(Engine& engine, Job& job) {
    return job.result(
        TRY(image::inspect(engine.images(), TRY(engine.images().resolve(job.argument("name"))))));
}

Result<void> remove(Engine& engine, Job& job) {
    job.describe(job.argument("name"));
    const auto removed = TRY(engine.images().remove(
        job.argument("name"), {.force = job.flag("force"), .prune_parents = !job.flag("noprune")}));
    const auto tell = [&](const std::vector<std::string>& names, const char* action) {
        for (const std::string& name : names)
            engine.events().publish(
                {.type = "image", .action = action, .id = name, .attributes = {{"name", name}}});
    };
    tell(removed.untagged, "untag");
    tell(removed.deleted, "delete");
    return job.result(image::removed(removed));
}

}  // namespace

void add_image_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"image.pull", pull}, {"image.remove", remove}});
    queries.insert({{"image.list", list}, {"image.inspect", inspect}});
}

}  // namespace davit::engine
