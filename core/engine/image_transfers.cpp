// SPDX-License-Identifier: Apache-2.0
// Images on their way in and out: push, save, load, import.
#include "core/engine/engine.hpp"
#include "core/engine/image_arguments.hpp"
#include "core/engine/image_events.hpp"
#include "core/image/distribution.hpp"
#include "core/image/import.hpp"
#include "core/image/load.hpp"
#include "core/image/push.hpp"
#include "core/image/save.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using image::Reference;
using job::Job;

// --- push

Result<void> push_one(Engine& engine, Job& job, const Reference& reference) {
    Result<void> told;
    const auto pushed =
        TRY(image::push(engine.images(), {.reference = reference,
                                          .platform = TRY(platform_of(job)),
                                          .auth = std::string(job.request().auth),
                                          .registry = TRY(engine.registry("")),
                                          .cancel = job.cancel(),
                                          .progress = [&](const image::PullProgress& progress) {
                                              if (told)
                                                  told = job.progress(progress_line(progress));
                                              if (!told) job.cancel()->request();
                                          }}));
    publish_image(engine, "push", reference.familiar(), reference.familiar_name(), pushed.id);
    return job.progress(bj::object{{"progressDetail", bj::object()},
                                   {"aux", bj::object{{"Tag", *reference.tag()},
                                                      {"Digest", pushed.digest.text()},
                                                      {"Size", pushed.bytes}}}});
}

// Without a tag every tag of the repository is meant.
Result<void> push(Engine& engine, Job& job) {
    std::string name = job.argument("name");
    if (const std::string tag = job.argument("tag"); !tag.empty()) name += ":" + tag;
    const Reference wanted = TRY(Reference::parse(name));
    job.describe(wanted.familiar());
    if (wanted.digest()) return fail(Code::invalid, "cannot push a digest reference");
    if (wanted.tag()) {
        TRY(engine.images().resolve(wanted.text()).context("push ", wanted.familiar_name()));
        return push_one(engine, job, wanted);
    }
    std::vector<Reference> tags;
    for (const auto& record : TRY(engine.images().list()))
        for (const std::string& tag : record.tags) {
            Reference reference = TRY(Reference::parse(tag));
            if (reference.repository() == wanted.repository()) tags.push_back(std::move(reference));
        }
    if (tags.empty())
        return fail(Code::not_found,
                    "An image does not exist locally with the tag: ", wanted.familiar_name());
    for (const Reference& reference : tags) TRY(push_one(engine, job, reference));
    return {};
}

// --- save and load

Result<void> save(Engine& engine, Job& job) {
    std::vector<std::string> names = TRY(json::get_strings(*job.request().args, "names"));
    if (const std::string name = job.argument("name"); !name.empty()) names.push_back(name);
    if (names.empty()) return fail(Code::invalid, "save images: none is named");
    job.describe(names.front());
    const auto saved = TRY(image::save(
        engine.images(), {.names = names,
                          .platform = TRY(platform_of(job)),
                          .cancel = job.cancel(),
                          .sink = [&](std::string_view bytes) { return job.bytes(bytes); }}));
    for (const std::string& id : saved) publish_image(engine, "save", id, id, id);
    return {};
}

Result<void> tell_loaded(Engine& engine, Job& job, const image::LoadedImage& loaded) {
    const auto say = [&](const std::string& text) {
        return job.progress(bj::object{{"stream", text + "\n"}});
    };
    for (const auto& [name, before] : loaded.renamed)
        TRY(say("The image " + name + " already exists, renaming the old one with ID " + before +
                " to empty string"));
    for (const std::string& name : loaded.names) TRY(say("Loaded image: " + name));
    if (loaded.names.empty()) TRY(say("Loaded image ID: " + loaded.id));
    publish_image(engine, "load", loaded.id, loaded.id, loaded.id);
    return {};
}

Result<void> load(Engine& engine, Job& job) {
    const bool quiet = job.flag("quiet", true);
    return image::load(
        engine.images(),
        {.source = job.request().input,
         .platform = TRY(platform_of(job)),
         .storage = TRY(engine.storage("")),
         .unpacker = TRY(engine.unpacker()),
         .cancel = job.cancel(),
         .progress =
             [&](const std::string& layer, std::uint64_t current, std::uint64_t total) {
                 if (!quiet &&
                     !job.progress(progress_line({layer, "Loading layer", current, total})))
                     job.cancel()->request();  // nobody is listening any more
             },
         .loaded =
             [&](const image::LoadedImage& loaded) { return tell_loaded(engine, job, loaded); }});
}

// --- import

Result<void> import(Engine& engine, Job& job) {
    if (job.argument("fromSrc") != "-")
        return fail(Code::unsupported,
                    "import image: fetching from an address is not supported; "
                    "send the archive itself");
    std::optional<Reference> name;
    if (const std::string repository = job.argument("repo"); !repository.empty()) {
        const std::string tag = job.argument("tag");
        name = TRY(Reference::parse(repository + (tag.empty() ? "" : ":" + tag))).with_latest();
        if (name->digest()) return fail(Code::invalid, "cannot import digest reference");
    }
    const std::string id = TRY(
        image::import(engine.images(),
                      {.storage = TRY(engine.storage("")),
                       .unpacker = TRY(engine.unpacker()),
                       .cancel = job.cancel(),
                       .progress = {}},
                      {.source = job.request().input,
                       .name = name,
                       .message = job.argument("message"),
                       .changes = TRY(json::get_strings(*job.request().args, "changes")),
                       .platform = TRY(platform_of(job)).value_or(image::Platform::of_host())}));
    publish_image(engine, "import", id, name ? name->familiar() : id, id);
    return job.progress(bj::object{{"status", id}});
}

Result<void> inspect_remote(Engine& engine, Job& job) {
    const Reference reference = TRY(Reference::parse(job.argument("name"))).with_latest();
    job.describe(reference.familiar());
    return job.result(TRY(image::inspect_remote(TRY(engine.registry("")), reference,
                                                std::string(job.request().auth), job.cancel())));
}

}  // namespace

void add_image_transfers(Operations& jobs) {
    jobs.insert({{"distribution.inspect", inspect_remote},
                 {"image.import", import},
                 {"image.load", load},
                 {"image.push", push},
                 {"image.save", save}});
}

}  // namespace davit::engine
