// SPDX-License-Identifier: Apache-2.0
// `system df`: what every noun takes on the disk, out of the nouns' own lists.
#include "core/engine/engine.hpp"
#include "core/volume/volume_json.hpp"
#include "sdk/base/json.hpp"
#include "sdk/plugin/value.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using job::Job;

// The answer of another query of this engine.
Result<bj::value> ask(Engine& engine, const Job& job, std::string_view query,
                      const bj::object& arguments) {
    bj::value answer;
    Result<void> parsed;
    const job::Request request{.name = query, .args = &arguments, .body = {}, .auth = {}};
    TRY(engine.run(
        Engine::Kind::query, request, job.cancel(), [&](const davit_answer& from) -> Result<void> {
            if (from.kind != DAVIT_ANSWER_RESULT) return {};
            answer = TRY(json::parse(sdk::view(from.text), query, {.bytes = 256u << 20}));
            return {};
        }));
    return answer;
}

bool wanted(const std::vector<std::string>& types, std::string_view type) {
    return types.empty() || std::find(types.begin(), types.end(), type) != types.end();
}

Result<void> disk_usage(Engine& engine, Job& job) {
    const auto types = TRY(json::get_strings(*job.request().args, "type"));
    bj::object report{{"BuildCache", bj::array()}};
    report["LayersSize"] = wanted(types, "image") ? TRY(engine.images().layer_bytes()) : 0;
    if (wanted(types, "image"))
        report["Images"] =
            TRY(ask(engine, job, "image.list", {{"all", "1"}, {"shared-size", "1"}}));
    if (wanted(types, "container"))
        report["Containers"] =
            TRY(ask(engine, job, "container.list", {{"all", "1"}, {"size", "1"}}));
    if (wanted(types, "volume")) {
        bj::array volumes;
        for (const volume::Volume& one : TRY(volume::filtered(engine.volumes(), "")))
            volumes.push_back(TRY(volume::volume_json_with_usage(engine.volumes(), one)));
        report["Volumes"] = std::move(volumes);
    }
    return job.result(report);
}

}  // namespace

void add_disk_operations(Operations& queries) { queries.insert({{"system.df", disk_usage}}); }

}  // namespace davit::engine
