// SPDX-License-Identifier: Apache-2.0
#include "core/engine/engine.hpp"
#include "core/volume/volume_json.hpp"

#include <boost/json.hpp>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using job::Job;
using volume::Volume;
using volume::Volumes;

Result<void> create(Engine& engine, Job& job) {
    const volume::Wanted wanted = TRY(volume::parse_wanted(job.request().body));
    const Volume made = TRY(engine.volumes().create(wanted));
    job.describe(made.name);
    return job.result(volume_json(engine.volumes(), made));
}

Result<void> remove(Engine& engine, Job& job) {
    const std::string name = job.argument("name");
    job.describe(name);
    return engine.volumes().remove(
        name, job.flag("force") ? Volumes::Absent::accepted : Volumes::Absent::refused);
}

Result<void> prune(Engine& engine, Job& job) {
    const volume::Pruned pruned = TRY(volume::prune(engine.volumes(), job.argument("filters")));
    engine.events().publish({.type = "volume",
                             .action = "prune",
                             .id = "",
                             .attributes = {{"reclaimed", std::to_string(pruned.bytes)}}});
    return job.result(
        bj::object{{"VolumesDeleted", bj::array(pruned.names.begin(), pruned.names.end())},
                   {"SpaceReclaimed", pruned.bytes}});
}

Result<void> list(Engine& engine, Job& job) {
    bj::array shown;
    for (const Volume& found : TRY(filtered(engine.volumes(), job.argument("filters"))))
        shown.push_back(volume_json(engine.volumes(), found));
    return job.result(bj::object{{"Volumes", std::move(shown)}, {"Warnings", nullptr}});
}

Result<void> inspect(Engine& engine, Job& job) {
    const Volume found = TRY(engine.volumes().find(job.argument("name")));
    return job.result(volume_json(engine.volumes(), found));
}

}  // namespace

void add_volume_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"volume.create", create}, {"volume.remove", remove}, {"volume.prune", prune}});
    queries.insert({{"volume.list", list}, {"volume.inspect", inspect}});
}

}  // namespace davit::engine
