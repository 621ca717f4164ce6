// SPDX-License-Identifier: Apache-2.0
#include "core/container/container_json.hpp"
#include "core/container/log_line.hpp"
#include "core/container/logs.hpp"
#include "core/engine/engine.hpp"
#include "sdk/base/file.hpp"

#include <boost/json.hpp>

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using container::ContainerPtr;
using container::State;
using container::Status;
using job::Job;

Result<ContainerPtr> container_of(Engine& engine, Job& job) {
    ContainerPtr found = TRY(engine.containers().find(job.argument("id")));
    job.describe(found->name());
    return found;
}

Job::Terminal terminal_of(const container::Container& container) {
    return container.config().tty ? Job::Terminal::yes : Job::Terminal::no;
}

Result<std::optional<std::int64_t>> number_argument(const Job& job, std::string_view name) {
    const std::string text = job.argument(name);
    if (text.empty()) return std::optional<std::int64_t>();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return fail(Code::invalid, "read ", name, ": '", text, "' is no number");
    return std::optional<std::int64_t>(value);
}

Result<void> create(Engine& engine, Job& job) {
    const auto created =
        TRY(engine.containers().create(job.cancel(), job.request().body, job.argument("name")));
    job.describe(created.id.substr(0, 12));
    return job.result(
        bj::object{{"Id", created.id},
                   {"Warnings", bj::array(created.warnings.begin(), created.warnings.end())}});
}

Result<void> answer(Job& job, container::Containers::Outcome outcome) {
    return outcome == container::Containers::Outcome::same ? job.same() : Result<void>();
}

Result<void> start(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    return answer(job, TRY(engine.containers().start(job.cancel(), container)));
}

Result<void> stop(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    return answer(job,
                  TRY(engine.containers().stop(job.cancel(), container, TRY(stop_request(job)))));
}

Result<void> kill(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    return engine.containers().kill(job.cancel(), container, job.argument("signal"));
}

Result<void> remove(Engine& engine, Job& job) {
    if (job.flag("link"))
        return fail(Code::unsupported, "remove container: links are not supported");
    const ContainerPtr container = TRY(container_of(engine, job));
    return engine.containers().remove(job.cancel(), container,
                                      {.force = job.flag("force"), .volumes = job.flag("v")});
}

// The conditions of POST /containers/{id}/wait.
Result<void> wait(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    const std::string condition = job.argument("condition");
    const std::uint64_t exits = container->state().exits;
    std::function<bool(const State&)> over;
    if (condition.empty() || condition == "not-running")
        over = [exits](const State& state) {
            return state.exits != exits || (state.status != Status::running && !state.restarting);
        };
    else if (condition == "next-exit")
        over = [exits](const State& state) {
            return state.exits != exits || state.status == Status::removed;
        };
    else if (condition == "removed")
        over = [](const State& state) { return state.status == Status::removed; };
    else
        return fail(Code::invalid, "invalid condition: \"", condition, "\"");
    TRY(job.started());
    const State state = TRY(container->wait_until(*job.cancel(), over));
    return job.result(bj::object{{"StatusCode", state.exit_code}});
}

Result<void> resize(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    const auto rows = TRY(number_argument(job, "h")), columns = TRY(number_argument(job, "w"));
    return engine.containers().resize(container, "",
                                      {static_cast<std::uint16_t>(rows.value_or(0)),
                                       static_cast<std::uint16_t>(columns.value_or(0))});
}

Result<container::LogRequest> log_request(const Job& job, const container::Container& container) {
    container::LogRequest request{.out = job.flag("stdout"),
                                  .err = job.flag("stderr"),
                                  .follow = job.flag("follow"),
                                  .timestamps = job.flag("timestamps"),
                                  .tail = {},
                                  .since_ns = TRY(time_argument(job, "since")),
                                  .until_ns = TRY(time_argument(job, "until"))};
    if (!request.out && !request.err)
        return fail(Code::invalid, "Bad parameters: you must choose at least one stream");
    const container::Config& config = container.config();
    if (job.flag("details"))
        request.details = log_details(config.log, {.id = container.id(),
                                                   .name = container.name(),
                                                   .labels = config.labels,
                                                   .environment = config.environment});
    const std::string tail = job.argument("tail");
    if (tail.empty() || tail == "all") return request;
    const auto lines = TRY(number_argument(job, "tail"));
    if (*lines >= 0) request.tail = static_cast<std::uint64_t>(*lines);
    return request;
}

Result<void> copy_log(Engine& engine, Job& job, const ContainerPtr& container,
                      const container::LogRequest& request) {
    const Fd directory = TRY(open_beneath(engine.containers().services().directory_fd.get(),
                                          container->id(), O_RDONLY | O_DIRECTORY));
    const container::LogSource source{
        .directory = directory.get(), .name = container->id() + "-json.log", .ended = [&] {
            return container->state().status != Status::running;
        }};
    const Job::Terminal terminal = terminal_of(*container);
    return container::read_log(source, request, *job.cancel(),
                               [&](std::uint32_t stream, std::string_view bytes) {
                                   return job.output(stream, bytes, terminal);
                               });
}

Result<void> logs(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    const container::LogRequest request = TRY(log_request(job, *container));
    if (!container->config().log.keep)
        return fail(Code::unsupported, "configured logging driver does not support reading");
    TRY(job.started(terminal_of(*container)));
    return copy_log(engine, job, container, request);
}

// What had been written before the client came; `connected` carries what is written from then on.
Result<void> show_earlier(Engine& engine, Job& job, const ContainerPtr& container,
                          const plugin::Streams& connected) {
    if (!container->config().log.keep) return {};
    container::LogRequest request{.out = job.flag("stdout"), .err = job.flag("stderr"), .tail = {}};
    if (connected.log_file != 0)
        request.end = {.file = connected.log_file, .offset = connected.log_offset};
    return copy_log(engine, job, container, request);
}

Result<void> attach(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    const bool logs = job.flag("logs"), stream = job.flag("stream") || !logs;
    const std::uint32_t streams =
        (job.flag("stdin") && container->config().open_stdin ? DAVIT_ATTACH_STDIN : 0u) |
        (job.flag("stdout") ? DAVIT_ATTACH_STDOUT : 0u) |
        (job.flag("stderr") ? DAVIT_ATTACH_STDERR : 0u);
    if (container->state().paused) TRY(container::check_responsive(*container, "attach"));
    if (!stream) {
        TRY(job.started(terminal_of(*container)));
        return show_earlier(engine, job, container, {});
    }
    // Pending first, then the state: a start in between serves whoever is pending when it settles.
    const auto pending = container->add_attach(streams);
    if (container->state().status == Status::running) {
        const plugin::Exec exec = TRY(engine.exec(container->record().exec_instance));
        sdk::Caller call(job.cancel());
        container->serve_attaches(
            [&](std::uint32_t wanted) { return exec.attach(call, container->id(), "", wanted); });
    }
    TRY(job.started(terminal_of(*container)));
    plugin::Streams connected = TRY(container->wait_attach(*job.cancel(), pending));
    if (logs) TRY(show_earlier(engine, job, container, connected));
    return job.streams(std::move(connected.in), std::move(connected.out), std::move(connected.err),
                       terminal_of(*container));
}

Result<void> inspect(Engine& engine, Job& job) {
    const ContainerPtr container = TRY(container_of(engine, job));
    container::InspectContext context{
        .directory = engine.containers().services().directory + "/" + container->id(),
        .storage_driver = container->record().storage_instance,
        .volumes = engine.volumes().path(),
        .exec_ids = engine.exec_sessions().running(container->id())};
    bj::object object = container::inspect_json(*container, context);
    if (job.flag("size")) {
        const plugin::Storage storage = TRY(engine.storage(container->record().storage_instance));
        sdk::Caller call(job.cancel());
        const plugin::Space space = TRY(storage.usage(call, container->id()));
        object["SizeRw"] = space.bytes;
        object["SizeRootFs"] =
            space.bytes + TRY(engine.images().get(container->record().image)).bytes;
    }
    return job.result(object);
}

// The image's reference as the container was asked for, or its id when the name means another image
// by now.
std::string shown_image(Engine& engine, const container::Record& record) {
    const auto now = engine.images().resolve(record.image_reference);
    if (now && *now == record.image) return record.image_reference;
    return record.image_reference.starts_with("sha256:") || !now ? record.image_reference
                                                                 : record.image;
}

Result<std::int64_t> created_of(Engine& engine, const container::Filters& filters,
                                const std::string& key) {
    const auto& values = filters.values(key);
    if (values.empty()) return std::int64_t{0};
    return TRY(engine.containers().find(values.back()))->record().created_ns;
}

Result<void> list(Engine& engine, Job& job) {
    const auto filters = TRY(container::Filters::parse(job.argument("filters")));
    const std::int64_t before = TRY(created_of(engine, filters, "before"));
    const std::int64_t since = TRY(created_of(engine, filters, "since"));
    const auto limit = TRY(number_argument(job, "limit")).value_or(0);
    const bool all = job.flag("all") || limit > 0 || filters.has("status") || filters.has("exited");
    bj::array entries;
    for (const ContainerPtr& container : engine.containers().list()) {
        const State state = container->state();
        const std::int64_t created = container->record().created_ns;
        if (!all && state.status != Status::running && !state.restarting) continue;
        if (!filters.match(*container, state)) continue;
        if ((before != 0 && created >= before) || (since != 0 && created <= since)) continue;
        bj::object entry = container::summary_json(
            *container, shown_image(engine, container->record()), engine.volumes().path());
        if (job.flag("size")) {
            sdk::Caller call(job.cancel());
            const plugin::Storage storage =
                TRY(engine.storage(container->record().storage_instance));
            const auto space = storage.usage(call, container->id());
            entry["SizeRw"] = space ? space->bytes : 0;
            const auto image = engine.images().get(container->record().image);
            entry["SizeRootFs"] = (space ? space->bytes : 0) + (image ? image->bytes : 0);
        }
        entries.push_back(std::move(entry));
        if (limit > 0 && entries.size() == static_cast<std::size_t>(limit)) break;
    }
    return job.result(entries);
}

}  // namespace

Result<container::Containers::StopRequest> stop_request(const Job& job) {
    container::Containers::StopRequest request{.signal = job.argument("signal"), .seconds = {}};
    if (const auto seconds = TRY(number_argument(job, "t")))
        request.seconds = static_cast<int>(*seconds);
    return request;
}

void add_container_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"container.create", create},
                 {"container.start", start},
                 {"container.stop", stop},
                 {"container.kill", kill},
                 {"container.wait", wait},
                 {"container.remove", remove},
                 {"container.attach", attach},
                 {"container.resize", resize},
                 {"container.logs", logs}});
    queries.insert({{"container.list", list}, {"container.inspect", inspect}});
}

}  // namespace davit::engine
