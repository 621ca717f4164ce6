// SPDX-License-Identifier: Apache-2.0
#include "core/container/containers.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <string_view>
#include <thread>
#include <utility>

namespace davit::container {

namespace {

constexpr int kDefaultStopSeconds = 10;                 // Docker's
constexpr std::int64_t kKillPatience = 10'000'000'000;  // ns for the kernel to end a killed process

struct SignalName {
    std::string_view name;
    int number;
};

constexpr std::array kSignals = {
    SignalName{"HUP", SIGHUP},   SignalName{"INT", SIGINT},       SignalName{"QUIT", SIGQUIT},
    SignalName{"ILL", SIGILL},   SignalName{"TRAP", SIGTRAP},     SignalName{"ABRT", SIGABRT},
    SignalName{"IOT", SIGIOT},   SignalName{"BUS", SIGBUS},       SignalName{"FPE", SIGFPE},
    SignalName{"KILL", SIGKILL}, SignalName{"USR1", SIGUSR1},     SignalName{"SEGV", SIGSEGV},
    SignalName{"USR2", SIGUSR2}, SignalName{"PIPE", SIGPIPE},     SignalName{"ALRM", SIGALRM},
    SignalName{"TERM", SIGTERM}, SignalName{"STKFLT", SIGSTKFLT}, SignalName{"CHLD", SIGCHLD},
    SignalName{"CONT", SIGCONT}, SignalName{"STOP", SIGSTOP},     SignalName{"TSTP", SIGTSTP},
    SignalName{"TTIN", SIGTTIN}, SignalName{"TTOU", SIGTTOU},     SignalName{"URG", SIGURG},
    SignalName{"XCPU", SIGXCPU}, SignalName{"XFSZ", SIGXFSZ},     SignalName{"VTALRM", SIGVTALRM},
    SignalName{"PROF", SIGPROF}, SignalName{"WINCH", SIGWINCH},   SignalName{"IO", SIGIO},
    SignalName{"POLL", SIGPOLL}, SignalName{"PWR", SIGPWR},       SignalName{"SYS", SIGSYS}};

constexpr int kRealTimeMin = 34;  // what programs may use: glibc keeps 32 and 33
constexpr int kRealTimeMax = 64;

std::optional<int> whole_number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "RTMIN+3", "RTMAX-1".
std::optional<int> real_time(std::string_view name) {
    const bool from_min = name.starts_with("RTMIN"), from_max = name.starts_with("RTMAX");
    if (!from_min && !from_max) return std::nullopt;
    name.remove_prefix(5);
    const int base = from_min ? kRealTimeMin : kRealTimeMax;
    if (name.empty()) return base;
    if (name[0] != (from_min ? '+' : '-')) return std::nullopt;
    const auto offset = whole_number(name.substr(1));
    if (!offset || *offset < 0 || *offset > kRealTimeMax - kRealTimeMin) return std::nullopt;
    return from_min ? base + *offset : base - *offset;
}

std::string signal_of(const Container& container, const std::string& asked) {
    if (!asked.empty()) return asked;
    return container.config().stop_signal.empty() ? "SIGTERM" : container.config().stop_signal;
}

// A program that ends by one of these was told to: its restart policy is not asked. (With another,
// say HUP for a new configuration, it may crash like any other.)
bool asks_to_end(int number) {
    return number == SIGKILL || number == SIGTERM || number == SIGINT || number == SIGQUIT;
}

}  // namespace

Result<int> parse_signal(const std::string& text) {
    if (const auto number = whole_number(text); number && *number >= 1 && *number <= kRealTimeMax)
        return *number;
    std::string name;
    for (const char c : text) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (const SignalName& known : kSignals)
        if (known.name == name) return known.number;
    if (const auto number = real_time(name)) return *number;
    return fail(Code::invalid, "invalid signal: ", text);
}

Result<Containers::Outcome> Containers::stop(const std::shared_ptr<Cancel>& cancel,
                                             const ContainerPtr& container,
                                             const StopRequest& request) {
    if (container->state().restarting)
        if (TRY(stay_down(container, container->operate()))) {
            publish(*container, "stop");
            return Outcome::done;
        }
    return stop_running(cancel, container, request);
}

// With a restart policy the row says who ended it before it does: the next start of the daemon must
// know.
void Containers::mark_stopped(const ContainerPtr& container) {
    const auto mark = [](State& state) { state.killed_by_user = true; };
    if (container->restart_policy().kind == RestartPolicy::Kind::never)
        container->change(mark);
    else
        (void)change_running(container, mark);
}

Result<Containers::Outcome> Containers::stop_running(const std::shared_ptr<Cancel>& cancel,
                                                     const ContainerPtr& container,
                                                     const StopRequest& request) {
    const State before = container->state();
    if (before.status != Status::running) return Outcome::same;
    const int number = TRY(parse_signal(signal_of(*container, request.signal)));
    const int seconds =
        request.seconds.value_or(container->config().stop_timeout.value_or(kDefaultStopSeconds));
    const auto over = [&](const State& state) { return state.exits != before.exits; };

    const plugin::Exec exec = TRY(services_.exec(container->record().exec_instance));
    sdk::Caller call(cancel);
    if (!ending_) mark_stopped(container);
    (void)exec.signal(call, container->id(), "", number);  // refused when it has just ended
    publish(*container, "kill", {{"signal", std::to_string(number)}});
    TRY(thaw(cancel, container));
    if (seconds < 0) {
        TRY(container->wait_until(*cancel, over));
    } else if (!over(container->wait_at_most(std::int64_t{seconds} * 1'000'000'000, over))) {
        (void)exec.signal(call, container->id(), "", SIGKILL, plugin::Exec::Recipient::everyone);
        publish(*container, "kill", {{"signal", std::to_string(SIGKILL)}});
        if (!over(container->wait_at_most(kKillPatience, over)))
            return fail(Code::deadline, "stop container ", container->id(),
                        ": it does not end although it was killed");
    }
    publish(*container, "stop");
    return Outcome::done;
}

Result<void> Containers::kill(const std::shared_ptr<Cancel>& cancel, const ContainerPtr& container,
                              const std::string& signal) {
    const int number = TRY(parse_signal(signal.empty() ? "SIGKILL" : signal));
    if (container->state().restarting)
        if (TRY(stay_down(container, container->operate()))) return {};
    const State before = container->state();
    if (before.status != Status::running)
        return fail(Code::conflict, "cannot kill container: ", container->name(), ": container ",
                    container->id(), " is not running");
    const plugin::Exec exec = TRY(services_.exec(container->record().exec_instance));
    sdk::Caller call(cancel);
    const bool meant_to_end =
        asks_to_end(number) || number == TRY(parse_signal(signal_of(*container, "")));
    if (meant_to_end) mark_stopped(container);
    TRY(exec.signal(call, container->id(), "", number)
            .context("cannot kill container: ", container->name()));
    publish(*container, "kill", {{"signal", std::to_string(number)}});
    if (meant_to_end) TRY(thaw(cancel, container));
    if (number != SIGKILL) return {};
    const auto over = [&](const State& state) { return state.exits != before.exits; };
    container->wait_at_most(kKillPatience, over);  // docker's kill returns once it is dead
    return {};
}

void Containers::stop_all() {
    ending_ = true;
    std::vector<std::thread> stopping;
    for (const ContainerPtr& container : list()) {
        if (container->state().status != Status::running) continue;
        stopping.emplace_back([this, container] {
            if (auto cancel = Cancel::create()) (void)stop(*cancel, container, {});
        });
    }
    for (std::thread& thread : stopping) thread.join();
}

}  // namespace davit::container
