// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/exec.hpp"

#include "davit/draft/exec_pause.h"
#include "davit/draft/exec_stats.h"

#include <utility>

namespace davit::plugin {

using sdk::sized;
using sdk::str;

namespace {

davit_exec_key key_of(const std::string& key, const std::string& session) {
    auto request = sized<davit_exec_key>();
    request.key = str(key);
    request.session = str(session);
    return request;
}

Process process_of(const davit_exec_process& out) {
    return {.pid = out.pid,
            .pid_fd = Fd(out.pid_fd),
            .keeper = Fd(out.keeper_fd),
            .netns = Fd(out.netns_fd),
            .state = out.state};
}

// Results that hold descriptors start with -1: an older driver may leave the last ones unwritten.
template <sdk::Sized Request>
Result<Process> ask_process(sdk::Caller& call,
                            davit_status (*operation)(davit_instance*, const davit_call*,
                                                      const Request*, davit_exec_process*),
                            davit_instance* self, const Request& request) {
    auto out = sized<davit_exec_process>();
    out.pid_fd = out.keeper_fd = out.netns_fd = -1;
    TRY(call.ask_into(operation, self, request, out));
    return process_of(out);
}

davit_exec_output output_of(const OutputSpec& spec) {
    auto output = sized<davit_exec_output>();
    output.flags = (spec.tty ? DAVIT_EXEC_TTY : 0u) | (spec.open_stdin ? DAVIT_EXEC_STDIN : 0u) |
                   (spec.stdin_once ? DAVIT_EXEC_STDIN_ONCE : 0u);
    output.log_path = str(spec.log_path);
    output.log_max_bytes = spec.log_max_bytes;
    output.log_max_files = spec.log_max_files;
    output.rows = spec.rows;
    output.columns = spec.columns;
    return output;
}

}  // namespace

template <class Table>
Result<const Table*> Exec::ability(const char* id) const {
    const auto* table = instance_->get<Table>(id);
    if (table == nullptr)
        return fail(Code::unsupported, "use exec driver ", instance(), ": it does not offer ", id);
    return table;
}

Result<Exec> Exec::of(std::shared_ptr<Instance> instance) {
    const auto* table = instance->get<davit_exec>(DAVIT_EXEC);
    if (table == nullptr)
        return fail(Code::unsupported, "use ", instance->name(), ": it does not offer ",
                    DAVIT_EXEC);
    return Exec(std::move(instance), table);
}

Result<Process> Exec::create(sdk::Caller& call, const ExecSpec& spec) const {
    const davit_exec_output output = output_of(spec.output);
    auto request = sized<davit_exec_create>();
    request.root_fd = spec.root;
    request.netns_fd = spec.netns;
    request.state_fd = spec.state;
    request.key = str(spec.key);
    request.config = str(spec.config);
    request.mounts = spec.mounts.data();
    request.mount_count = spec.mounts.size();
    request.output = &output;
    return ask_process(call, table_->create, instance_->raw(), request);
}

Result<void> Exec::start(sdk::Caller& call, const std::string& key) const {
    static const std::string kFirst;
    return call.tell(table_->start, instance_->raw(), key_of(key, kFirst));
}

Result<Streams> Exec::attach(sdk::Caller& call, const std::string& key, const std::string& session,
                             std::uint32_t streams) const {
    auto request = sized<davit_exec_attach>();
    request.streams = streams;
    request.key = str(key);
    request.session = str(session);
    auto out = sized<davit_exec_streams>();
    out.in = out.out = out.err = -1;
    TRY(call.ask_into(table_->attach, instance_->raw(), request, out));
    return Streams{Fd(out.in), Fd(out.out), Fd(out.err), out.log_offset, out.log_file};
}

Result<void> Exec::signal(sdk::Caller& call, const std::string& key, const std::string& session,
                          int number, Recipient recipient) const {
    auto request = sized<davit_exec_signal>();
    request.signal = number;
    request.key = str(key);
    request.session = str(session);
    request.everyone = recipient == Recipient::everyone ? 1 : 0;
    return call.tell(table_->signal, instance_->raw(), request);
}

Result<Fd> Exec::wait(sdk::Caller& call, const std::string& key, const std::string& session) const {
    const auto out = TRY(call.ask(table_->wait, instance_->raw(), key_of(key, session)));
    return Fd(out.fd);
}

Result<ExitRecord> Exec::exit_record(sdk::Caller& call, const std::string& key,
                                     const std::string& session) const {
    const auto out = TRY(call.ask(table_->exit_record, instance_->raw(), key_of(key, session)));
    return ExitRecord{.code = out.code,
                      .signal = out.signal,
                      .out_of_memory = out.out_of_memory != 0,
                      .monitor_lost = out.monitor_lost != 0,
                      .time_ns = out.time_ns};
}

Result<Process> Exec::exec(sdk::Caller& call, const SessionSpec& spec) const {
    auto request = sized<davit_exec_session>();
    request.flags = (spec.tty ? DAVIT_EXEC_TTY : 0u) |
                    (spec.open_stdin ? DAVIT_EXEC_STDIN | DAVIT_EXEC_STDIN_ONCE : 0u) |
                    (spec.hold ? DAVIT_EXEC_HOLD : 0u);
    request.key = str(spec.key);
    request.session = str(spec.session);
    request.process = str(spec.process);
    request.privileged = spec.privileged ? 1 : 0;
    request.rows = spec.rows;
    request.columns = spec.columns;
    return ask_process(call, table_->exec, instance_->raw(), request);
}

Result<void> Exec::pause(sdk::Caller& call, const std::string& key) const {
    static const std::string kFirst;
    const auto* table = TRY(ability<davit_exec_pause>(DAVIT_EXEC_PAUSE));
    return call.tell(table->pause, instance_->raw(), key_of(key, kFirst));
}

Result<void> Exec::resume(sdk::Caller& call, const std::string& key) const {
    static const std::string kFirst;
    const auto* table = TRY(ability<davit_exec_pause>(DAVIT_EXEC_PAUSE));
    return call.tell(table->resume, instance_->raw(), key_of(key, kFirst));
}

Result<void> Exec::update(sdk::Caller& call, const std::string& key,
                          const std::string& resources) const {
    auto request = sized<davit_exec_update>();
    request.key = str(key);
    request.resources = str(resources);
    return call.tell(table_->update, instance_->raw(), request);
}

Result<std::vector<Figure>> Exec::stats(sdk::Caller& call, const std::string& key) const {
    static const std::string kFirst;
    const auto* table = TRY(ability<davit_exec_stats>(DAVIT_EXEC_STATS));
    std::vector<Figure> figures;
    TRY(call.list<davit_exec_figure>(
        table->stats, instance_->raw(), key_of(key, kFirst), [&](const davit_exec_figure& one) {
            figures.push_back({sdk::text(one.name), one.value, one.major, one.minor});
        }));
    return figures;
}

Result<void> Exec::resize(sdk::Caller& call, const std::string& key, const std::string& session,
                          Window window) const {
    auto request = sized<davit_exec_resize>();
    request.rows = window.rows;
    request.columns = window.columns;
    request.key = str(key);
    request.session = str(session);
    return call.tell(table_->resize, instance_->raw(), request);
}

Result<void> Exec::remove(sdk::Caller& call, const std::string& key,
                          const std::string& session) const {
    return call.tell(table_->remove, instance_->raw(), key_of(key, session));
}

Result<Process> Exec::recover(sdk::Caller& call, const std::string& key, int state) const {
    auto request = sized<davit_exec_recover>();
    request.state_fd = state;
    request.key = str(key);
    return ask_process(call, table_->recover, instance_->raw(), request);
}

Result<std::vector<int>> Exec::list(sdk::Caller& call, const std::string& key) const {
    static const std::string kFirst;
    std::vector<int> pids;
    TRY(call.list<davit_exec_listed>(
        table_->list, instance_->raw(), key_of(key, kFirst),
        [&](const davit_exec_listed& process) { pids.push_back(process.pid); }));
    return pids;
}

}  // namespace davit::plugin
