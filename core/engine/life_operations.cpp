// SPDX-License-Identifier: Apache-2.0
// What changes or watches a container between its start and its end.
#include "core/container/process_list.hpp"
#include "core/container/statistics.hpp"
#include "core/engine/engine.hpp"
#include "core/image/timestamp.hpp"
#include "core/job/filters.hpp"

#include <boost/json.hpp>

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using container::Container;
using container::ContainerPtr;
using job::Job;

Result<ContainerPtr> container_of(Engine& engine, Job& job) {
    ContainerPtr found = TRY(engine.containers().find(job.argument("id")));
    job.describe(found->name());
    return found;
}

Result<void> restart(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    return engine.containers().restart(job.cancel(), container, TRY(stop_request(job)));
}

Result<void> pause(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    return engine.containers().pause(job.cancel(), container);
}

Result<void> unpause(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    return engine.containers().unpause(job.cancel(), container);
}

Result<void> rename(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    return engine.containers().rename(container, job.argument("name"));
}

Result<void> update(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    TRY(engine.containers().adjust(job.cancel(), container, job.request().body));
    return job.result(bj::object{{"Warnings", bj::array()}});
}

// Until the client has gone, or a second has passed.
void wait_a_second(const Cancel& cancel) {
    constexpr int kInterval = 1000;  // milliseconds: docker's
    pollfd gone{cancel.fd(), POLLIN, 0};
    (void)::poll(&gone, 1, kInterval);
}

// stream=0 needs a second sample to hold against the first, unless one-shot says that it does not.
Result<void> stats(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    const bool stream = job.flag("stream", true);
    const auto sample = [&] { return container::take_sample(engine.containers(), container); };
    container::Sample before;
    container::Sample now = TRY(sample());
    const bool runs = !now.figures.empty();
    TRY(job.started());
    if (!stream && !job.flag("one-shot") && runs) {
        wait_a_second(*job.cancel());
        before = std::exchange(now, TRY(sample()));
    }
    while (!job.cancel()->requested()) {
        TRY(job.progress(container::statistics_json(*container, now, before)));
        if (!stream || container->state().status == container::Status::removed) break;
        wait_a_second(*job.cancel());
        before = std::exchange(now, TRY(sample()));
    }
    return {};
}

bj::array strings(const std::vector<std::string>& texts) {
    return bj::array(texts.begin(), texts.end());
}

Result<void> top(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    if (container->state().status != container::Status::running)
        return fail(Code::conflict, "Container ", container->id(), " is not running");
    const plugin::Exec exec = TRY(engine.exec(container->record().exec_instance));
    sdk::Caller call(job.cancel());
    const std::vector<int> pids = TRY(exec.list(call, container->id()));
    const auto list = TRY(container::list_processes(pids, job.argument("ps_args")));
    bj::array rows;
    for (const auto& row : list.rows) rows.push_back(strings(row));
    return job.result(bj::object{{"Titles", strings(list.titles)}, {"Processes", std::move(rows)}});
}

bool has_label(const Container& container, const std::string& wanted) {
    const auto& labels = container.config().labels;
    const std::size_t equals = wanted.find('=');
    const auto found = labels.find(wanted.substr(0, equals));
    return found != labels.end() &&
           (equals == std::string::npos || found->second == wanted.substr(equals + 1));
}

// Docker's filters of a prune: every label must be there, none of those of label!.
Result<void> prune(Engine& engine, Job& job) {
    const job::FilterValues filters = TRY(job::parse_filters(job.argument("filters")));
    std::int64_t until_ns = 0;
    std::vector<std::string> labels, without;
    for (const auto& [name, values] : filters) {
        if (name == "until") {
            if (values.size() > 1)
                return fail(Code::invalid, "more than one until filter specified");
            if (values.empty()) continue;
            const auto moment = image::parse_moment(values[0], image::now());
            if (!moment)
                return fail(Code::invalid, "invalid filter 'until': '", values[0], "' is no time");
            until_ns = *moment;
        } else if (name == "label") {
            labels = values;
        } else if (name == "label!") {
            without = values;
        } else {
            return fail(Code::invalid, "invalid filter '", name, "'");
        }
    }
    const auto wanted = [&](const Container& container) {
        const auto has = [&](const std::string& label) { return has_label(container, label); };
        return (until_ns == 0 || container.record().created_ns < until_ns) &&
               std::all_of(labels.begin(), labels.end(), has) &&
               std::none_of(without.begin(), without.end(), has);
    };
    const auto pruned = TRY(engine.containers().prune(*job.cancel(), wanted));
    return job.result(
        bj::object{{"ContainersDeleted",
                    pruned.ids.empty() ? bj::value(nullptr) : bj::value(strings(pruned.ids))},
                   {"SpaceReclaimed", pruned.bytes}});
}

}  // namespace

void add_life_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"container.restart", restart},
                 {"container.pause", pause},
                 {"container.unpause", unpause},
                 {"container.rename", rename},
                 {"container.update", update},
                 {"container.stats", stats},
                 {"container.prune", prune}});
    queries.insert({{"container.top", top}});
}

}  // namespace davit::engine
