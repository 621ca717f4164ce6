// SPDX-License-Identifier: Apache-2.0
#include "core/engine/engine.hpp"
#include "core/engine/image_arguments.hpp"
#include "core/engine/image_events.hpp"
#include "core/image/image_history.hpp"
#include "core/image/image_json.hpp"
#include "core/image/image_prune.hpp"
#include "core/image/pull.hpp"
#include "core/job/filters.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::engine {

Result<std::optional<image::Platform>> platform_of(const job::Job& job) {
    const std::string text = job.argument("platform");
    if (text.empty()) return std::optional<image::Platform>();
    if (!text.starts_with('{')) return std::optional(TRY(image::Platform::parse(text)));
    const auto object = TRY(json::parse_object(text, "platform"));
    image::Platform platform{TRY(json::get_string(object, "os", "linux")),
                             TRY(json::get_string(object, "architecture", "")),
                             TRY(json::get_string(object, "variant", ""))};
    if (platform.architecture.empty())
        return fail(Code::invalid, "read platform: it names no architecture");
    return std::optional(std::move(platform));
}

boost::json::object progress_line(const image::PullProgress& progress) {
    boost::json::object line{{"status", progress.status}};
    if (!progress.id.empty()) line["id"] = progress.id;
    line["progressDetail"] = boost::json::object();
    if (progress.total > 0)
        line["progressDetail"] =
            boost::json::object{{"current", progress.current}, {"total", progress.total}};
    return line;
}

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
    return Reference::parse(text);
}

Result<void> pull_one(Engine& engine, Job& job, const Reference& reference) {
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
    const auto pulled = TRY(image::pull(engine.images(), request));
    publish_image(engine, "pull", reference.familiar(), reference.familiar_name(), pulled.id);
    return {};
}

// Without a tag every tag of the repository is meant.
Result<void> pull(Engine& engine, Job& job) {
    const Reference wanted = TRY(reference_of(job));
    job.describe(wanted.familiar());
    if (wanted.tag() || wanted.digest()) return pull_one(engine, job, wanted);
    sdk::Caller call(job.cancel());
    const auto tags =
        TRY(TRY(engine.registry(""))
                .tags(call, {wanted.host(), wanted.path(), std::string(job.request().auth)}));
    for (const std::string& tag : tags)
        TRY(pull_one(engine, job, TRY(Reference::parse(wanted.repository() + ":" + tag))));
    return {};
}

Result<void> list(Engine& engine, Job& job) {
    std::map<std::string, int> used;
    for (const auto& container : engine.containers().list()) ++used[container->record().image];
    bj::array entries = TRY(image::list(
        engine.images(), {.all = job.flag("all"),
                          .shared_sizes = job.flag("shared-size"),
                          .filters = TRY(job::parse_filters(job.argument("filters")))}));
    for (bj::value& entry : entries) {
        const auto count = used.find(std::string(entry.get_object()["Id"].get_string()));
        entry.get_object()["Containers"] = count == used.end() ? 0 : count->second;
    }
    return job.result(entries);
}

// The image that the path names; with `platform` only one that runs there.
Result<std::string> image_of(Engine& engine, const Job& job) {
    const std::string id = TRY(engine.images().resolve(job.argument("name")));
    const auto wanted = TRY(platform_of(job));
    if (!wanted) return id;
    const auto config = TRY(image::parse_config(TRY(engine.images().config(id))));
    if (image::match(*wanted, config.platform) == 0)
        return fail(Code::not_found, "image with reference ", job.argument("name"),
                    " was found but its platform (", config.platform.normal().text(),
                    ") does not match the specified platform (", wanted->text(), ")");
    return id;
}

Result<void> inspect(Engine& engine, Job& job) {
    return job.result(TRY(image::inspect(engine.images(), TRY(image_of(engine, job)))));
}

Result<void> history(Engine& engine, Job& job) {
    return job.result(TRY(image::history(engine.images(), TRY(image_of(engine, job)))));
}

Result<void> tag(Engine& engine, Job& job) {
    const std::string id = TRY(engine.images().resolve(job.argument("name")));
    std::string name = job.argument("repo");
    if (const std::string tag = job.argument("tag"); !tag.empty()) name += ":" + tag;
    job.describe(name);
    const Reference reference = TRY(Reference::parse(name)).with_latest();
    TRY(engine.images().tag(id, reference));
    publish_image(engine, "tag", id, reference.familiar(), id);
    return {};
}

Result<void> remove(Engine& engine, Job& job) {
    job.describe(job.argument("name"));
    const auto removed = TRY(engine.images().remove(
        job.argument("name"), {.force = job.flag("force"), .prune_parents = !job.flag("noprune")}));
    publish_removed(engine, removed);
    return job.result(image::removed(removed));
}

Result<void> prune(Engine& engine, Job& job) {
    bj::array deleted;
    std::uint64_t bytes = 0;
    TRY(image::prune(engine.images(), TRY(job::parse_filters(job.argument("filters"))),
                     [&](const image::Removed& removed) {
                         publish_removed(engine, removed);
                         for (bj::value& line : image::removed(removed))
                             deleted.push_back(std::move(line));
                         bytes += removed.bytes;
                     }));
    event::Event event{.type = "image", .action = "prune", .id = "", .attributes = {}};
    event.attributes["reclaimed"] = std::to_string(bytes);
    engine.events().publish(std::move(event));
    return job.result(bj::object{{"ImagesDeleted", std::move(deleted)}, {"SpaceReclaimed", bytes}});
}

}  // namespace

void add_image_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"image.pull", pull},
                 {"image.prune", prune},
                 {"image.remove", remove},
                 {"image.tag", tag}});
    queries.insert({{"image.history", history}, {"image.list", list}, {"image.inspect", inspect}});
}

}  // namespace davit::engine
