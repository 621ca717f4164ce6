// SPDX-License-Identifier: Apache-2.0
// Opening the driver, and the calls that act on what runs. How containers begin is in
// native_create.cpp, how they are found again and removed in native_recover.cpp.
#include "drivers/exec/native/native_driver.hpp"

#include "davit/draft/exec_pause.h"
#include "davit/draft/exec_stats.h"

#include "sdk/base/json.hpp"
#include "sdk/base/pipe.hpp"
#include "sdk/base/process.hpp"

#include <fcntl.h>
#include <boost/json.hpp>
#include <csignal>

namespace davit::native {

namespace {

Result<std::string> parent_group(const davit_open& request) {
    const auto config = TRY(json::parse_object(
        request.config.length == 0 ? "{}" : sdk::view(request.config), "config"));
    const std::string configured = TRY(json::get_string(config, "cgroup-parent", ""));
    if (configured.find("..") != std::string::npos || configured.starts_with('/'))
        return fail(Code::invalid, "read cgroup-parent: ", configured, " must be a relative path");
    return configured.empty() ? "davit-" + sdk::text(request.scope) : configured;
}

NativeDriver& driver_of(davit_instance* self) {
    return static_cast<NativeDriver&>(sdk::Instance<sdk::ExecDriver>::of(self));
}

davit_status freeze_thunk(davit_instance* self, const davit_call* call,
                          const davit_exec_key* request, bool frozen) {
    return sdk::detail::guarded(call, [&]() -> Result<void> {
        const davit_exec_key known = TRY(sdk::detail::receive(request));
        return driver_of(self).freeze(known, frozen);
    });
}

constexpr davit_exec_pause kPauseTable = {
    sizeof(davit_exec_pause),
    0,
    [](davit_instance* self, const davit_call* call, const davit_exec_key* request) {
        return freeze_thunk(self, call, request, true);
    },
    [](davit_instance* self, const davit_call* call, const davit_exec_key* request) {
        return freeze_thunk(self, call, request, false);
    },
};

constexpr davit_exec_stats kStatsTable = {
    sizeof(davit_exec_stats),
    0,
    [](davit_instance* self, const davit_call* call, const davit_exec_key* request) {
        return sdk::detail::guarded(call, [&]() -> Result<void> {
            const davit_exec_key known = TRY(sdk::detail::receive(request));
            return driver_of(self).stats(sdk::Call(call), known);
        });
    },
};

}  // namespace

Result<std::unique_ptr<NativeDriver>> NativeDriver::open(const sdk::Call& call,
                                                         const davit_open& request) {
    auto groups = TRY(sdk::Cgroups::open(TRY(parent_group(request))));
    auto launchers = TRY(groups->open_entrance(sdk::Cgroups::kLaunch));
    auto launcher = TRY(LaunchClient::open(call, sdk::Host(request.host)));
    std::unique_ptr<NativeDriver> driver(new NativeDriver(
        std::move(groups), std::move(launchers), std::move(launcher), TRY(davit::boot_id())));
    driver->sweep_leftovers();
    return driver;
}

Result<void> NativeDriver::probe(const sdk::Call& call, const davit_open& request) {
    static_cast<void>(request);
    auto pause = sdk::sized<davit_probed>();
    pause.ability = sdk::str(DAVIT_EXEC_PAUSE);
    // Every group of version 2 can be frozen; version 1 has a hierarchy for it.
    const bool version_2 = ::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
    pause.available = version_2 || ::access("/sys/fs/cgroup/freezer", F_OK) == 0 ? 1 : 0;
    const std::string reason = pause.available != 0 ? "" : "no: no freezer hierarchy";
    pause.reason = sdk::str(reason);
    return call.emit(pause);
}

const void* NativeDriver::ability(std::string_view id) {
    if (id == DAVIT_EXEC_PAUSE) return &kPauseTable;
    return id == DAVIT_EXEC_STATS ? &kStatsTable : nullptr;
}

Result<ContainerPointer> NativeDriver::find(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = containers_.find(key);
    if (found == containers_.end())
        return fail(Code::not_found, "find container ", key, ": no such container");
    return found->second;
}

Result<ProcessPointer> NativeDriver::find(davit_str key, davit_str session) const {
    const ContainerPointer container = TRY(find(sdk::text(key)));
    const std::string name = sdk::text(session);
    if (name.empty()) return container->first;
    const std::lock_guard lock(container->mutex);
    const auto found = container->sessions.find(name);
    if (found == container->sessions.end())
        return fail(Code::not_found, "find session ", name, ": no such session");
    return found->second;
}

Result<void> NativeDriver::insert(const std::string& key, ContainerPointer container) {
    const std::lock_guard lock(mutex_);
    if (!containers_.emplace(key, std::move(container)).second)
        return fail(Code::exists, "create container ", key, ": it exists already");
    return {};
}

Result<void> NativeDriver::start(const sdk::Call&, const davit_exec_key& request) {
    const ProcessPointer process = TRY(find(request.key, request.session));
    if (!process->channel || process->started.exchange(true))
        return fail(Code::conflict, "start container: it was started already");
    sdk::ControlRequest word;
    word.word = sdk::Word::start;
    auto answer = sdk::ask(process->channel.get(), word);
    if (!answer && answer.error().code == Code::unavailable)
        return fail(Code::internal, "start container: its launcher died");
    if (!answer) return std::move(answer).error();
    return {};
}

Result<davit_exec_streams> NativeDriver::attach(const sdk::Call&,
                                                const davit_exec_attach& request) {
    const ProcessPointer process = TRY(find(request.key, request.session));
    sdk::ControlRequest word;
    word.word = sdk::Word::attach;
    word.streams = request.streams;
    sdk::Answer answer = TRY(process->ask(word, "attach to container"));
    auto streams = sdk::sized<davit_exec_streams>();
    streams.in = streams.out = streams.err = -1;
    streams.log_offset = answer.reply.log_offset;
    streams.log_file = answer.reply.log_file;
    std::size_t next = 0;
    const auto take = [&](std::uint32_t bit, std::int32_t& into) {
        if ((request.streams & bit) != 0 && next < answer.fds.size())
            into = answer.fds[next++].release();
    };
    take(DAVIT_ATTACH_STDIN, streams.in);
    take(DAVIT_ATTACH_STDOUT, streams.out);
    take(DAVIT_ATTACH_STDERR, streams.err);
    return streams;
}

Result<void> NativeDriver::signal(const sdk::Call&, const davit_exec_signal& request) {
    constexpr std::int32_t kLast = 64;
    if (request.signal < 1 || request.signal > kLast)
        return fail(Code::invalid, "send signal ", std::to_string(request.signal),
                    ": no such signal");
    const ProcessPointer process = TRY(find(request.key, request.session));
    if (!process->process || has_ended(process->process.get()))
        return fail(Code::conflict, "send signal: the process has ended");
    if (request.everyone != 0) {
        for (const pid_t pid : TRY(groups_->processes(process->group)))
            if (auto one = open_pidfd(pid))
                static_cast<void>(send_signal(one->get(), request.signal));
        return {};
    }
    auto sent = send_signal(process->process.get(), request.signal);
    if (!sent && sent.error().code == Code::not_found)
        return fail(Code::conflict, "send signal: the process has ended");
    return sent;
}

// A connection that the launcher ends once its record stands; or one that has ended already.
Result<davit_exec_waiter> NativeDriver::wait(const sdk::Call&, const davit_exec_key& request) {
    const ProcessPointer process = TRY(find(request.key, request.session));
    auto waiter = sdk::sized<davit_exec_waiter>();
    if (auto connection = sdk::connect_control(process->directory.get())) {
        sdk::ControlRequest word;
        word.word = sdk::Word::watch;
        if (sdk::send_request(connection->get(), word)) {
            waiter.fd = connection->release();
            return waiter;
        }
    }
    Pipe ended = TRY(make_pipe());  // its writer closes here: end of file, readable for ever
    waiter.fd = ended.read.release();
    return waiter;
}

Result<davit_exec_exit> NativeDriver::exit_record(const sdk::Call&, const davit_exec_key& request) {
    const ProcessPointer process = TRY(find(request.key, request.session));
    auto record = process->exit();
    if (!record && record.error().code == Code::not_found) {
        if (!process->ends_soon())
            return fail(Code::conflict, "read exit record: the process runs");
        record = process->exit();  // it may have been written between the two looks
        if (!record) record = lost(*process);
    }
    if (!record) return std::move(record).error();
    auto out = sdk::sized<davit_exec_exit>();
    out.code = record->code;
    out.signal = record->signal;
    out.out_of_memory = record->out_of_memory ? 1 : 0;
    out.monitor_lost = record->monitor_lost ? 1 : 0;
    out.time_ns = record->time_ns;
    return out;
}

Result<void> NativeDriver::resize(const sdk::Call&, const davit_exec_resize& request) {
    const ProcessPointer process = TRY(find(request.key, request.session));
    sdk::ControlRequest word;
    word.word = sdk::Word::resize;
    word.rows = request.rows;
    word.columns = request.columns;
    TRY(process->ask(word, "resize terminal"));
    return {};
}

Result<void> NativeDriver::update(const sdk::Call&, const davit_exec_update& request) {
    const ContainerPointer container = TRY(find(sdk::text(request.key)));
    return groups_->update(container->group, TRY(parse_resources(sdk::view(request.resources))))
        .context("update container ", sdk::text(request.key));
}

Result<void> NativeDriver::list(const sdk::Call& call, const davit_exec_key& request) {
    const ContainerPointer container = TRY(find(sdk::text(request.key)));
    auto pids = groups_->processes(container->group);
    if (!pids && pids.error().code == Code::not_found)
        return {};  // it has ended: no group, no process
    if (!pids) return std::move(pids).error();
    for (const pid_t pid : *pids) {
        auto one = sdk::sized<davit_exec_listed>();
        one.pid = pid;
        TRY(call.emit(one));
    }
    return {};
}

Result<void> NativeDriver::stats(const sdk::Call& call, const davit_exec_key& request) {
    const ContainerPointer container = TRY(find(sdk::text(request.key)));
    const auto figures = groups_->statistics(container->group);
    if (!figures && figures.error().code == Code::not_found)
        return fail(Code::conflict, "read statistics of container: it has ended");
    if (!figures) return Error(figures.error());
    for (const sdk::Figure& figure : *figures) {
        auto one = sdk::sized<davit_exec_figure>();
        one.name = sdk::str(figure.name);
        one.value = figure.value;
        one.major = figure.major;
        one.minor = figure.minor;
        TRY(call.emit(one));
    }
    return {};
}

Result<void> NativeDriver::freeze(const davit_exec_key& request, bool frozen) {
    const ContainerPointer container = TRY(find(sdk::text(request.key)));
    if (container->first->ended()) return fail(Code::conflict, "pause container: it has ended");
    return groups_->freeze(container->group, frozen);
}

}  // namespace davit::native
