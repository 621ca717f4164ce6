// SPDX-License-Identifier: Apache-2.0
#include "core/container/exec_session.hpp"

#include "core/container/oci_spec.hpp"
#include "core/container/user.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <fcntl.h>

#include <csignal>

#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr std::size_t kSessionIdBytes = 32;

std::string command_text(const ExecConfig& config) {
    std::string text;
    for (const std::string& word : config.command) text += (text.empty() ? "" : " ") + word;
    return text;
}

}  // namespace

Result<ExecConfig> parse_exec_body(std::string_view body) {
    const bj::object object = TRY(json::parse_object(body, "exec body"));
    ExecConfig config{.command = TRY(json::get_strings(object, "Cmd")),
                      .environment = TRY(json::get_strings(object, "Env")),
                      .user = TRY(json::get_string(object, "User", "")),
                      .working_dir = TRY(json::get_string(object, "WorkingDir", "")),
                      .detach_keys = TRY(json::get_string(object, "DetachKeys", "")),
                      .tty = TRY(json::get_bool(object, "Tty", false)),
                      .privileged = TRY(json::get_bool(object, "Privileged", false)),
                      .attach_stdin = TRY(json::get_bool(object, "AttachStdin", false)),
                      .attach_stdout = TRY(json::get_bool(object, "AttachStdout", false)),
                      .attach_stderr = TRY(json::get_bool(object, "AttachStderr", false))};
    if (config.command.empty()) return fail(Code::invalid, "No exec command specified");
    if (const auto* size = TRY(json::get_array(object, "ConsoleSize"));
        size != nullptr && size->size() == 2 && (*size)[0].is_number() && (*size)[1].is_number()) {
        config.rows = (*size)[0].to_number<std::uint16_t>();
        config.columns = (*size)[1].to_number<std::uint16_t>();
    }
    return config;
}

Result<std::string> ExecSessions::create(const ContainerPtr& container, ExecConfig config) {
    TRY(check_responsive(*container, "exec"));
    ExecSession session{.id = random_hex(kSessionIdBytes),
                        .container = container,
                        .config = std::move(config),
                        .state = {}};
    std::string id = session.id;
    const std::string action = "exec_create: " + command_text(session.config);
    {
        std::lock_guard lock(mutex_);
        sessions_.emplace(id, std::move(session));
    }
    containers_.publish(*container, action, {{"execID", id}});
    return id;
}

Result<ExecSession> ExecSessions::look_up(const std::string& id) const {
    std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return fail(Code::not_found, "No such exec instance: ", id);
    return found->second;
}

// A client asks for the exit code as soon as the output has ended, which may be before the watcher
// has told us: so a session that seems to run is looked at.
Result<ExecSession> ExecSessions::find(const std::string& id) const {
    ExecSession session = TRY(look_up(id));
    if (!session.state.running) return session;
    observe(id, session.container);
    return look_up(id);
}

std::vector<std::string> ExecSessions::running(const std::string& container) const {
    std::vector<std::string> ids;
    std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_)
        if (session.state.running && session.container->id() == container) ids.push_back(id);
    return ids;
}

void ExecSessions::set_state(const std::string& id, const ExecState& state) const {
    std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    const bool was_over = found->second.state.exit_code.has_value();
    found->second.state = state;
    if (state.running || was_over) return;
    ended_.push_back(id);
    if (ended_.size() <= kEnded) return;
    sessions_.erase(ended_.front());
    ended_.pop_front();
}

// The user is looked up in the container's root as it is now, through its first process.
Result<plugin::Process> ExecSessions::execute(sdk::Caller& call, const ExecSession& session,
                                              Attach attach) {
    const Container& container = *session.container;
    TRY(check_responsive(container, "exec"));
    const State state = container.state();
    const std::string root_path = "/proc/" + std::to_string(state.pid) + "/root";
    const Fd root(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return os_error("open the root of container " + container.id());
    const Config& config = container.config();
    const ExecConfig& wanted = session.config;
    const User user = TRY(resolve_user(root.get(), wanted.user.empty() ? config.user : wanted.user,
                                       config.group_add));
    const std::string process = make_process(
        {.config = config,
         .user = user,
         .hostname = config.hostname.empty() ? container.id().substr(0, 12) : config.hostname,
         .working_dir = wanted.working_dir.empty() ? config.working_dir : wanted.working_dir,
         .arguments = wanted.command,
         .environment = wanted.environment,
         .tty = wanted.tty,
         .privileged = wanted.privileged});
    const plugin::Exec exec = TRY(containers_.services().exec(container.record().exec_instance));
    return exec.exec(call, {.key = container.id(),
                            .session = session.id,
                            .process = process,
                            .tty = wanted.tty,
                            .open_stdin = wanted.attach_stdin && attach == Attach::yes,
                            .privileged = wanted.privileged || config.privileged,
                            .hold = attach == Attach::yes,
                            .rows = wanted.rows,
                            .columns = wanted.columns});
}

Result<void> ExecSessions::follow(const ExecSession& session, Fd keeper) {
    Services& services = containers_.services();
    const plugin::Exec exec = TRY(services.exec(session.container->record().exec_instance));
    sdk::Caller call;
    Fd exited = TRY(exec.wait(call, session.container->id(), session.id));
    TRY(services.watcher.when_readable(
        std::move(exited),
        [this, id = session.id, container = session.container] { ended(id, container); }));
    // What it leaves is cleared away once its launcher has delivered everything and is gone.
    return containers_.when_gone(
        keeper, [this, id = session.id, container = session.container] { clear(id, container); });
}

// Whoever asks after the last byte of output must get the code, though the files may be gone.
void ExecSessions::clear(const std::string& id, const ContainerPtr& container) {
    observe(id, container);
    const auto exec = containers_.services().exec(container->record().exec_instance);
    sdk::Caller call;
    if (exec) (void)exec->remove(call, container->id(), id);
}

void ExecSessions::ended(const std::string& id, const ContainerPtr& container) {
    constexpr int kKilled = 137;  // what ended without a record
    observe(id, container);
    auto session = look_up(id);
    if (session && session->state.running) {
        set_state(id, {.started = true, .exit_code = kKilled});
        session = look_up(id);
    }
    const int code = session ? session->state.exit_code.value_or(kKilled) : kKilled;
    containers_.publish(*container, "exec_die",
                        {{"execID", id}, {"exitCode", std::to_string(code)}});
    if (session && session->config.ended) {
        forget(id);
        session->config.ended(code);
    }
}

void ExecSessions::forget(const std::string& id) const {
    std::lock_guard lock(mutex_);
    sessions_.erase(id);
    std::erase(ended_, id);
}

void ExecSessions::observe(const std::string& id, const ContainerPtr& container) const {
    const auto exec = containers_.services().exec(container->record().exec_instance);
    if (!exec) return;
    sdk::Caller call;
    const auto record = exec->exit_record(call, container->id(), id);
    if (record) set_state(id, {.started = true, .exit_code = record->code});
}

Result<plugin::Streams> ExecSessions::start(const std::shared_ptr<Cancel>& cancel,
                                            const std::string& id, Attach attach,
                                            plugin::Exec::Window window) {
    {
        std::lock_guard lock(mutex_);
        const auto found = sessions_.find(id);
        if (found == sessions_.end()) return fail(Code::not_found, "No such exec instance: ", id);
        if (found->second.state.started)
            return fail(Code::conflict, "exec ", id, " has already been started");
        found->second.state.started = true;
        if (window.rows != 0) {
            found->second.config.rows = window.rows;
            found->second.config.columns = window.columns;
        }
    }
    const ExecSession session = TRY(find(id));
    sdk::Caller call(cancel);
    auto process = execute(call, session, attach);
    if (!process) {
        Error error = std::move(process).error();
        const int code = error.code == Code::not_found ? 127 : 126;
        set_state(id, {.started = true, .exit_code = code});
        if (session.config.ended) forget(id);
        if (error.code == Code::not_found || error.code == Code::denied) error.code = Code::invalid;
        return error;
    }
    set_state(id, {.running = true, .started = true, .pid = process->pid});
    containers_.publish(*session.container, "exec_start: " + command_text(session.config),
                        {{"execID", id}});
    plugin::Streams streams;
    if (attach == Attach::yes) {
        const ExecConfig& config = session.config;
        const std::uint32_t mask = (config.attach_stdin ? DAVIT_ATTACH_STDIN : 0u) |
                                   (config.attach_stdout ? DAVIT_ATTACH_STDOUT : 0u) |
                                   (config.attach_stderr ? DAVIT_ATTACH_STDERR : 0u);
        const plugin::Exec exec =
            TRY(containers_.services().exec(session.container->record().exec_instance));
        auto attached = exec.attach(call, session.container->id(), id, mask);
        if (!attached) {  // nobody will ever take the output, for which its launcher would wait
            (void)exec.signal(call, session.container->id(), id, SIGKILL);
            if (auto exited = exec.wait(call, session.container->id(), id))
                (void)containers_.services().watcher.when_readable(
                    std::move(*exited),
                    [this, id, container = session.container] { clear(id, container); });
            return std::move(attached).error();
        }
        streams = std::move(*attached);
    }
    TRY(follow(session, std::move(process->keeper)));
    return streams;
}

}  // namespace davit::container
