// SPDX-License-Identifier: Apache-2.0
// Starting a container again: on request, and because its policy says so.
#include "core/container/containers.hpp"

#include <chrono>
#include <string_view>
#include <utility>

namespace davit::container {

namespace {

constexpr int kLogWarning = 2, kLogError = 3;              // DAVIT_LOG_…
constexpr std::string_view kContainerMode = "container:";  // --network container:NAME

}  // namespace

Result<void> Containers::restart(const std::shared_ptr<Cancel>& cancel,
                                 const ContainerPtr& container, const StopRequest& request) {
    const ContainerLock lock = container->operate();
    if (!TRY(stay_down(container, lock))) TRY(stop_running(cancel, container, request));
    TRY(start_locked(cancel, container, lock));
    publish(*container, "restart");
    return {};
}

// What the policy says of a container that has just ended: state becomes what is shown meanwhile.
void Containers::apply_policy(const Container& container, State& state, Occasion occasion) const {
    const Ending ending{.exit_code = state.exit_code,
                        .by_user = state.killed_by_user,
                        .restarts_before = state.restart_count};
    state.restarting = !ending_ && starts_again(container.restart_policy(), ending, occasion);
    if (!state.restarting) return;
    state.restart_count += occasion == Occasion::exit ? 1 : 0;
    const std::chrono::nanoseconds run(state.finished_ns - state.started_ns);
    state.restart_delay_ns =
        restart_delay(std::chrono::nanoseconds(state.restart_delay_ns), run).count();
}

void Containers::restart_later(const ContainerPtr& container) {
    const State state = container->state();
    auto timer = services_.watcher.after(
        std::chrono::nanoseconds(state.restart_delay_ns),
        [this, container, exits = state.exits] { start_again(container, exits); });
    if (!timer)
        return services_.log(kLogError,
                             "restart container " + container->id() + ": " + timer.error().what);
    container->change([&](State& live) { live.restart_timer = *timer; });
}

// `exits`: which of its ends asked for this start.
void Containers::start_again(const ContainerPtr& container, std::uint64_t exits) {
    const ContainerLock lock = container->operate();
    const State state = container->state();
    if (!state.restarting || state.exits != exits || ending_) return;
    auto cancel = Cancel::create();
    auto started =
        cancel ? start_locked(*cancel, container, lock) : Result<void>(std::move(cancel).error());
    if (started) return;
    if (waits_for_another(*container)) return restart_later(container);
    services_.log(kLogWarning,
                  "restart container " + container->id() + ": " + started.error().what);
    container->change([](State& live) { live.restarting = false; });
}

// It shares the network of one that is itself about to be started.
bool Containers::waits_for_another(const Container& container) const {
    const std::string& mode = container.config().network_mode;
    if (!mode.starts_with(kContainerMode)) return false;
    const auto other = find(mode.substr(kContainerMode.size()));
    return other && (*other)->state().restarting;
}

Result<bool> Containers::stay_down(const ContainerPtr& container, const ContainerLock&) {
    State state = container->state();
    if (!state.restarting) return false;
    (void)services_.watcher.forget(state.restart_timer);
    const auto settle = [](State& live) {
        live.restarting = false;
        live.killed_by_user = true;
    };
    settle(state);
    TRY(update(services_.graph, container->id(), state));
    container->change(settle);
    return true;
}

}  // namespace davit::container
