// SPDX-License-Identifier: Apache-2.0
#include "core/engine/engine.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <cstdlib>
#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using container::ExecSession;
using container::ExecSessions;
using job::Job;

Result<void> create(Engine& engine, Job& job) {
    const auto container = TRY(engine.containers().find(job.argument("id")));
    job.describe(container->name());
    auto config = TRY(container::parse_exec_body(job.request().body));
    return job.result(
        bj::object{{"Id", TRY(engine.exec_sessions().create(container, std::move(config)))}});
}

struct StartBody {
    bool detach = false, tty = false;
    plugin::Exec::Window window;
};

Result<StartBody> parse_start(std::string_view text) {
    StartBody body;
    if (text.empty()) return body;
    const bj::object object = TRY(json::parse_object(text, "exec start body"));
    body.detach = TRY(json::get_bool(object, "Detach", false));
    body.tty = TRY(json::get_bool(object, "Tty", false));
    if (const auto* size = TRY(json::get_array(object, "ConsoleSize"));
        size != nullptr && size->size() == 2 && (*size)[0].is_number() && (*size)[1].is_number())
        body.window = {(*size)[0].to_number<std::uint16_t>(),
                       (*size)[1].to_number<std::uint16_t>()};
    return body;
}

Result<void> start(Engine& engine, Job& job) {
    const std::string id = job.argument("id");
    const StartBody body = TRY(parse_start(job.request().body));
    const ExecSession session = TRY(engine.exec_sessions().find(id));
    job.describe(session.container->name());
    if (session.state.started)
        return fail(Code::conflict, "exec ", id, " has already been started");
    TRY(container::check_responsive(*session.container, "exec"));
    if (body.detach) {
        TRY(engine.exec_sessions().start(job.cancel(), id, ExecSessions::Attach::no, body.window));
        return {};
    }
    // Whatever fails from here on is told inside the stream, as docker's clients expect.
    const auto terminal = session.config.tty ? Job::Terminal::yes : Job::Terminal::no;
    TRY(job.started(terminal));
    plugin::Streams streams =
        TRY(engine.exec_sessions().start(job.cancel(), id, ExecSessions::Attach::yes, body.window));
    return job.streams(std::move(streams.in), std::move(streams.out), std::move(streams.err),
                       terminal);
}

Result<void> resize(Engine& engine, Job& job) {
    const ExecSession session = TRY(engine.exec_sessions().find(job.argument("id")));
    if (!session.state.running)
        return fail(Code::conflict, "resize exec ", session.id, ": it is not running");
    return engine.containers().resize(
        session.container, session.id,
        {static_cast<std::uint16_t>(std::atoi(job.argument("h").c_str())),
         static_cast<std::uint16_t>(std::atoi(job.argument("w").c_str()))});
}

Result<void> inspect(Engine& engine, Job& job) {
    const ExecSession session = TRY(engine.exec_sessions().find(job.argument("id")));
    const container::ExecConfig& config = session.config;
    bj::array arguments(config.command.begin() + 1, config.command.end());
    bj::object process{{"tty", config.tty},
                       {"entrypoint", config.command[0]},
                       {"arguments", std::move(arguments)},
                       {"privileged", config.privileged}};
    if (!config.user.empty()) process["user"] = config.user;
    return job.result(
        bj::object{{"ID", session.id},
                   {"Running", session.state.running},
                   {"ExitCode", session.state.exit_code ? bj::value(*session.state.exit_code)
                                                        : bj::value(nullptr)},
                   {"ProcessConfig", std::move(process)},
                   {"OpenStdin", config.attach_stdin},
                   {"OpenStderr", config.attach_stderr},
                   {"OpenStdout", config.attach_stdout},
                   {"CanRemove", !session.state.running && session.state.started},
                   {"ContainerID", session.container->id()},
                   {"DetachKeys", config.detach_keys},
                   {"Pid", session.state.pid}});
}

}  // namespace

void add_exec_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"exec.create", create}, {"exec.start", start}, {"exec.resize", resize}});
    queries.insert({{"exec.inspect", inspect}});
}

}  // namespace davit::engine
