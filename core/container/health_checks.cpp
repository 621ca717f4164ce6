// SPDX-License-Identifier: Apache-2.0
#include "core/container/health_checks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

namespace davit::container {

namespace {

using std::chrono::nanoseconds;

std::int64_t now_ns() {
    return std::chrono::duration_cast<nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string seconds_text(std::int64_t ns) {
    std::string text = std::to_string(static_cast<double>(ns) / 1e9);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text + "s";
}

}  // namespace

// One container's check. Rounds count its probes: what comes late belongs to an earlier one.
struct HealthChecks::Check {
    explicit Check(ContainerPtr of) : container(std::move(of)) {}
    const ContainerPtr container;

    std::mutex mutex;  // of what follows; never held over a driver's call
    bool over = false;
    int round = 0;
    bool probing = false;
    std::int64_t start_ns = 0;
    std::string session, output;
    bool followed = false;                       // its streams are being read
    std::optional<int> exit_code;                // it has ended
    std::map<int, std::shared_ptr<Fd>> outputs;  // open streams of this round
    std::vector<run::Watcher::Token> watches;    // whatever may still fire for it
};

void HealthChecks::begin(const ContainerPtr& container) {
    if (!container->config().health) return;
    auto check = std::make_shared<Check>(container);
    {
        std::lock_guard lock(mutex_);
        checks_[container->id()] = check;
    }
    if (!container->state().health)
        container->change([](State& state) { state.health = std::make_shared<const Health>(); });
    wait_for_next(check);
}

void HealthChecks::end(const Container& container) {
    CheckPtr check;
    {
        std::lock_guard lock(mutex_);
        const auto found = checks_.find(container.id());
        if (found == checks_.end()) return;
        check = std::move(found->second);
        checks_.erase(found);
    }
    std::lock_guard lock(check->mutex);
    check->over = true;
    check->outputs.clear();
    for (const auto token : std::exchange(check->watches, {}))
        (void)containers_.services().watcher.forget(token);
}

void HealthChecks::wait_for_next(const CheckPtr& check) {
    const State state = check->container->state();
    if (!state.health) return;
    const std::int64_t wait = next_interval(*state.health, *check->container->config().health,
                                            now_ns() - state.started_ns);
    std::lock_guard lock(check->mutex);
    if (check->over) return;
    check->watches.clear();
    auto timer =
        containers_.services().watcher.after(nanoseconds(wait), [this, check] { probe(check); });
    if (timer) check->watches.push_back(*timer);
}

void HealthChecks::probe(const CheckPtr& check) {
    if (check->container->state().paused) return wait_for_next(check);
    int round = 0;
    {
        std::lock_guard lock(check->mutex);
        if (check->over) return;
        round = ++check->round;
        check->probing = true;
        check->start_ns = now_ns();
        check->output.clear();
        check->followed = false;
        check->exit_code.reset();
    }
    if (auto started = run(check); !started) finish(check, round, -1, started.error().what);
}

Result<void> HealthChecks::run(const CheckPtr& check) {
    const ContainerPtr& container = check->container;
    int round = 0;
    {
        std::lock_guard lock(check->mutex);
        round = check->round;
    }
    const std::string id = TRY(sessions_.create(
        container, {.command = container->config().health->command,
                    .attach_stdout = true,
                    .attach_stderr = true,
                    .ended = [this, check, round](int code) { exited(check, round, code); }}));
    {
        std::lock_guard lock(check->mutex);
        check->session = id;
    }
    return follow(check,
                  TRY(sessions_.start(TRY(Cancel::create()), id, ExecSessions::Attach::yes, {})));
}

Result<void> HealthChecks::follow(const CheckPtr& check, plugin::Streams streams) {
    run::Watcher& watcher = containers_.services().watcher;
    std::unique_lock lock(check->mutex);
    if (check->over) return {};
    const int round = check->round;
    check->watches.clear();
    for (Fd* stream : {&streams.out, &streams.err}) {
        if (!*stream) continue;
        const int number = stream->get();
        ::fcntl(number, F_SETFL, ::fcntl(number, F_GETFL) | O_NONBLOCK);
        check->outputs.emplace(number, std::make_shared<Fd>(std::move(*stream)));
    }
    check->watches.push_back(
        TRY(watcher.after(nanoseconds(check->container->config().health->timeout),
                          [this, check, round] { time_out(check, round); })));
    check->followed = true;
    const auto outputs = check->outputs;
    const auto code = check->exit_code;
    lock.unlock();
    for (const auto& [number, output] : outputs) watch_output(check, round, output);
    if (code) finish(check, round, *code, "");
    return {};
}

// Reads what is there, keeps the beginning of it, and comes back for more: a probe that talks must
// not wait for us.
void HealthChecks::watch_output(const CheckPtr& check, int round, std::shared_ptr<Fd> output) {
    std::array<char, 4096> buffer;
    std::lock_guard lock(check->mutex);
    if (check->over || check->round != round || !check->probing) return;
    while (true) {
        const ssize_t size = ::read(output->get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) break;
        if (size <= 0) {
            check->outputs.erase(output->get());
            return;
        }
        const std::size_t room = kProbeOutput - check->output.size();
        check->output.append(buffer.data(), std::min(room, static_cast<std::size_t>(size)));
    }
    Fd watched(::fcntl(output->get(), F_DUPFD_CLOEXEC, 0));
    auto token = containers_.services().watcher.when_readable(
        std::move(watched), [this, check, round, output] { watch_output(check, round, output); });
    if (token) check->watches.push_back(*token);
}

void HealthChecks::time_out(const CheckPtr& check, int round) {
    const Container& container = *check->container;
    std::string session;
    {
        std::lock_guard lock(check->mutex);
        if (check->over || check->round != round || !check->probing) return;
        session = check->session;
    }
    sdk::Caller call;
    if (const auto exec = containers_.services().exec(container.record().exec_instance))
        (void)exec->signal(call, container.id(), session, SIGKILL);
    finish(
        check, round, -1,
        "Health check exceeded timeout (" + seconds_text(container.config().health->timeout) + ")");
}

// It may have ended before its streams came to us: `follow` then finishes.
void HealthChecks::exited(const CheckPtr& check, int round, int code) {
    std::map<int, std::shared_ptr<Fd>> outputs;
    {
        std::lock_guard lock(check->mutex);
        if (check->over || check->round != round) return;
        check->exit_code = code;
        if (!check->followed) return;
        outputs = check->outputs;
    }
    for (const auto& [number, output] : outputs) watch_output(check, round, output);
    finish(check, round, code, "");
}

void HealthChecks::finish(const CheckPtr& check, int round, int exit_code,
                          const std::string& complaint) {
    Probe probe{.end_ns = now_ns(), .exit_code = exit_code};
    {
        std::lock_guard lock(check->mutex);
        if (check->over || check->round != round || !check->probing) return;
        check->probing = false;
        probe.start_ns = check->start_ns;
        probe.output = complaint.empty() ? check->output : complaint;
        check->outputs.clear();
        for (const auto token : std::exchange(check->watches, {}))
            (void)containers_.services().watcher.forget(token);
    }
    record(*check, std::move(probe));
    wait_for_next(check);
}

// The row is written when the status changes, not for every probe.
void HealthChecks::record(const Check& check, Probe probe) {
    const ContainerPtr& container = check.container;
    const State state = container->state();
    if (state.status != Status::running || !state.health) return;
    const auto now = std::make_shared<const Health>(after_probe(
        *state.health, std::move(probe), *container->config().health, state.started_ns));
    const auto settle = [&](State& live) { live.health = now; };
    if (now->status == state.health->status) return container->change(settle);
    const auto changed = containers_.change_running(container, settle);
    if (changed && *changed)
        containers_.publish(*container, "health_status: " + std::string(health_name(now->status)));
}

}  // namespace davit::container
