// SPDX-License-Identifier: Apache-2.0
#include "core/engine/engine.hpp"
#include "core/image/timestamp.hpp"
#include "core/job/filters.hpp"
#include "core/network/endpoint_json.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using job::Job;

Result<void> create(Engine& engine, Job& job) {
    const auto request = TRY(network::parse_network_request(job.request().body));
    job.describe(request.name);
    const auto record = TRY(engine.networks().create(job.cancel(), request));
    return job.result(bj::object{{"Id", record->id}, {"Warning", ""}});
}

Result<void> remove(Engine& engine, Job& job) {
    job.describe(job.argument("id"));
    return engine.networks().remove(job.argument("id"));
}

bool has_label(const network::NetworkRecord& record, const std::string& wanted) {
    const std::size_t equals = wanted.find('=');
    const auto found = record.labels.find(wanted.substr(0, equals));
    return found != record.labels.end() &&
           (equals == std::string::npos || found->second == wanted.substr(equals + 1));
}

struct PruneFilters {
    std::vector<std::string> labels, no_labels;
    std::int64_t until_ns = 0;  // 0: whenever it was made

    bool fits(const network::NetworkRecord& record) const {
        const auto has = [&](const std::string& wanted) { return has_label(record, wanted); };
        return (until_ns == 0 || record.created_ns < until_ns) &&
               std::all_of(labels.begin(), labels.end(), has) &&
               std::none_of(no_labels.begin(), no_labels.end(), has);
    }
};

Result<std::int64_t> read_until(const std::vector<std::string>& values) {
    if (values.size() != 1) return fail(Code::invalid, "more than one until filter specified");
    const auto moment = image::parse_moment(values[0], image::now());
    if (!moment) return fail(Code::invalid, "invalid filter 'until': '", values[0], "' is no time");
    return *moment;
}

Result<PruneFilters> parse_prune_filters(const std::string& text) {
    PruneFilters filters;
    for (auto& [key, values] : TRY(job::parse_filters(text))) {
        if (key == "label")
            filters.labels = values;
        else if (key == "label!")
            filters.no_labels = values;
        else if (key == "until")
            filters.until_ns = TRY(read_until(values));
        else
            return fail(Code::invalid, "invalid filter '", key, "'");
    }
    return filters;
}

Result<void> prune(Engine& engine, Job& job) {
    const PruneFilters filters = TRY(parse_prune_filters(job.argument("filters")));
    const auto removed = TRY(engine.networks().prune(
        [&](const network::NetworkRecord& record) { return filters.fits(record); }));
    return job.result(bj::object{{"NetworksDeleted", bj::array(removed.begin(), removed.end())}});
}

Result<void> connect(Engine& engine, Job& job) {
    const bj::object body = TRY(json::parse_object(job.request().body, "connect body"));
    const auto container =
        TRY(engine.containers().find(TRY(json::get_string(body, "Container", ""))));
    static const bj::object kNothing;
    const auto* settings = TRY(json::get_object(body, "EndpointConfig"));
    job.describe(job.argument("id") + " " + container->name());
    return engine.containers().connect(
        job.cancel(), container,
        TRY(network::read_endpoint_settings(job.argument("id"),
                                            settings != nullptr ? *settings : kNothing)));
}

Result<void> disconnect(Engine& engine, Job& job) {
    const bj::object body = TRY(json::parse_object(job.request().body, "disconnect body"));
    const auto container =
        TRY(engine.containers().find(TRY(json::get_string(body, "Container", ""))));
    job.describe(job.argument("id") + " " + container->name());
    return engine.containers().disconnect(container, job.argument("id"));
}

Result<void> list(Engine& engine, Job& job) {
    return job.result(TRY(engine.networks().list(job.argument("filters"))));
}

Result<void> inspect(Engine& engine, Job& job) {
    return job.result(TRY(engine.networks().inspect(job.argument("id"))));
}

}  // namespace

void add_network_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"network.create", create},
                 {"network.remove", remove},
                 {"network.prune", prune},
                 {"network.connect", connect},
                 {"network.disconnect", disconnect}});
    queries.insert({{"network.list", list}, {"network.inspect", inspect}});
}

}  // namespace davit::engine
