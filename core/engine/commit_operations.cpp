// SPDX-License-Identifier: Apache-2.0
// What a container has made of its image: changes, export, commit.
#include "core/archive/archiver.hpp"
#include "core/engine/engine.hpp"
#include "core/engine/image_events.hpp"
#include "core/image/config_changes.hpp"
#include "core/image/import.hpp"
#include "core/image/tree_diff.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"
#include "sdk/base/undo.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <thread>
#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using container::ContainerPtr;
using image::Change;
using image::ChangeKind;
using job::Job;

// What the engine puts into every root file system so that something can be mounted there. Empty
// ones are none of the container's changes.
bool is_mount_point(const std::string& path) {
    static constexpr std::string_view kPlaces[] = {
        ".dockerenv", "dev",          "dev/console", "dev/mqueue",      "dev/pts", "dev/shm", "etc",
        "etc/hosts",  "etc/hostname", "etc/mtab",    "etc/resolv.conf", "proc",    "sys"};
    return std::find(std::begin(kPlaces), std::end(kPlaces), path) != std::end(kPlaces);
}

// The container's root file system as it is now, and what it began as.
struct Trees {
    plugin::Storage storage;
    Fd before, after;  // before: none for an image without layers
};

Result<Fd> mount_now(const plugin::Storage& storage, const std::string& key,
                     const std::shared_ptr<Cancel>& cancel) {
    sdk::Caller call(cancel);
    return storage.mount(call, key, DAVIT_STORAGE_READ_ONLY);
}

Result<Trees> trees_of(Engine& engine, const container::Container& container,
                       const std::shared_ptr<Cancel>& cancel) {
    const auto& record = container.record();
    Trees trees{TRY(engine.storage(record.storage_instance)), Fd(), Fd()};
    if (!record.parent_layer.empty())
        trees.before = TRY(mount_now(trees.storage, record.parent_layer, cancel));
    trees.after = TRY(mount_now(trees.storage, container.id(), cancel));
    return trees;
}

Result<std::vector<Change>> changes_of(const Trees& trees, const Cancel& cancel) {
    return image::tree_diff(trees.before ? trees.before.get() : -1, trees.after.get(), cancel,
                            is_mount_point);
}

Result<void> changes(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(engine.containers().find(job.argument("id")));
    const Trees trees = TRY(trees_of(engine, *container, job.cancel()));
    bj::array entries;
    for (const Change& change : TRY(changes_of(trees, *job.cancel())))
        entries.push_back(
            bj::object{{"Path", "/" + change.path}, {"Kind", static_cast<int>(change.kind)}});
    return job.result(entries);
}

Result<void> export_files(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(engine.containers().find(job.argument("id")));
    job.describe(container->name());
    const archive::Archiver archiver(TRY(engine.unpacker()));
    TRY(engine.containers().with_files(
        job.cancel(), container, container::Containers::Shown::root_alone,
        [&](archive::Place place) {
            return archiver.pack(
                std::move(place), {.path = "/", .shown = "."}, {},
                [&](std::string_view bytes) { return job.bytes(bytes); }, job.cancel());
        }));
    engine.containers().publish(*container, "export");
    return {};
}

// --- commit

// The changes as a layer's archive: packed by a thread, read from a pipe.
class ChangesSource final : public image::LayerSource {
public:
    static Result<std::unique_ptr<ChangesSource>> start(archive::Archiver archiver, Fd tree,
                                                        const std::vector<Change>& changes,
                                                        std::shared_ptr<Cancel> cancel) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return os_error("make pipe");
        auto source = std::make_unique<ChangesSource>();
        source->read_ = Fd(ends[0]);
        archive::PackRequest request{.path = "/", .shown = "."};
        request.selection.emplace();
        for (const Change& change : changes)
            request.selection->push_back({change.path, change.kind == ChangeKind::deleted});
        source->thread_ = std::thread([self = source.get(), archiver = std::move(archiver),
                                       tree = std::move(tree), request = std::move(request),
                                       write = Fd(ends[1]), cancel]() mutable {
            archive::Place place{.kind = archive::RootKind::mount, .root = std::move(tree)};
            self->outcome_ = archiver.pack(
                std::move(place), request, {},
                [&](std::string_view bytes) { return write_all(write.get(), bytes); }, cancel);
            write.reset();  // the reader sees the end only after the outcome is known
        });
        return source;
    }
    ~ChangesSource() override { (void)finish(); }
    int source() const override { return read_.get(); }
    Result<void> finish() override {
        read_.reset();
        if (thread_.joinable()) thread_.join();
        return outcome_;
    }

private:
    Fd read_;
    Result<void> outcome_;
    std::thread thread_;
};

// Its own configuration, changed as the request says.
Result<std::string> new_config(const container::Container& container, const Job& job) {
    bj::object asked;
    if (const auto body = json::parse(job.request().body, "container config");
        body && body->is_object())
        asked = body->get_object();
    else if (!body && job.request().body.find_first_not_of(" \r\n\t") != std::string_view::npos)
        return body.error();
    TRY(image::apply_changes(asked, TRY(json::get_strings(*job.request().args, "changes"))));
    const bj::object record = TRY(json::parse_object(container.document(), "container"));
    const bj::object* config = TRY(json::get_object(record, "Config"));
    return bj::serialize(
        image::merge_config(std::move(asked), config == nullptr ? bj::object() : *config));
}

Result<image::CommitRequest> commit_request(Engine& engine, const container::Container& container,
                                            const Job& job) {
    image::CommitRequest request;
    if (const std::string repository = job.argument("repo"); !repository.empty()) {
        const std::string tag = job.argument("tag");
        request.name =
            TRY(image::Reference::parse(repository + (tag.empty() ? "" : ":" + tag))).with_latest();
    }
    request.base = container.record().image;
    request.base_config = TRY(engine.images().config(request.base));
    request.base_diff_ids = TRY(image::parse_config(request.base_config)).diff_ids;
    request.config = TRY(new_config(container, job));
    request.author = job.argument("author");
    request.comment = job.argument("comment");
    return request;
}

Result<std::string> commit_paused(Engine& engine, const container::Container& container,
                                  const Job& job) {
    const image::CommitRequest request = TRY(commit_request(engine, container, job));
    Trees trees = TRY(trees_of(engine, container, job.cancel()));
    const auto changed = TRY(changes_of(trees, *job.cancel()));
    std::unique_ptr<image::LayerSource> source;
    if (!changed.empty())
        source = TRY(ChangesSource::start(archive::Archiver(TRY(engine.unpacker())),
                                          std::move(trees.after), changed, job.cancel()));
    return image::commit(engine.images(),
                         {.storage = trees.storage,
                          .unpacker = TRY(engine.unpacker()),
                          .cancel = job.cancel(),
                          .progress = {}},
                         request, std::move(source));
}

Result<void> commit(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(engine.containers().find(job.argument("container")));
    job.describe(container->name());
    const auto state = container->state();
    const bool pause =
        job.flag("pause", true) && state.status == container::Status::running && !state.paused;
    if (pause) TRY(engine.containers().pause(job.cancel(), container));
    Undo go_on([&] {
        // Not cancellable: nobody may leave it frozen.
        if (pause) (void)engine.containers().unpause(nullptr, container);
    });
    const std::string id = TRY(commit_paused(engine, *container, job));
    std::map<std::string, std::string> more{{"imageID", id}};
    if (const std::string name = job.argument("repo"); !name.empty()) more["imageRef"] = name;
    engine.containers().publish(*container, "commit", std::move(more));
    return job.result(bj::object{{"Id", id}});
}

}  // namespace

void add_commit_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"container.export", export_files}, {"image.commit", commit}});
    queries.insert({{"container.changes", changes}});
}

}  // namespace davit::engine
