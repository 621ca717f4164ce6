// SPDX-License-Identifier: Apache-2.0
#include "core/container/containers.hpp"

namespace davit::container {

// The row first: a container that is frozen although its row does not say so could not be stopped
// after a crash in between. One that the row calls paused and that runs is unpaused like any other.
Result<void> Containers::pause(const std::shared_ptr<Cancel>& cancel,
                               const ContainerPtr& container) {
    const ContainerLock lock = container->operate();
    const State before = container->state();
    if (before.restarting)
        return fail(Code::conflict, "Container ", container->id(),
                    " is restarting, wait until the container is running");
    if (before.paused)
        return fail(Code::conflict, "Container ", container->id(), " is already paused");
    const auto mark = [&](bool paused) {
        return change_running(container, [paused](State& state) { state.paused = paused; });
    };
    const plugin::Exec exec = TRY(services_.exec(container->record().exec_instance));
    if (!TRY(mark(true)))
        return fail(Code::conflict, "Container ", container->id(), " is not running");
    sdk::Caller call(cancel);
    if (auto frozen = exec.pause(call, container->id()); !frozen) {
        (void)mark(false);
        return frozen;
    }
    publish(*container, "pause");
    return {};
}

Result<void> Containers::unpause(const std::shared_ptr<Cancel>& cancel,
                                 const ContainerPtr& container) {
    const ContainerLock lock = container->operate();
    if (!container->state().paused)
        return fail(Code::conflict, "Container ", container->id(), " is not paused");
    return thaw(cancel, container);
}

Result<void> Containers::thaw(const std::shared_ptr<Cancel>& cancel,
                              const ContainerPtr& container) {
    if (!container->state().paused) return {};
    const plugin::Exec exec = TRY(services_.exec(container->record().exec_instance));
    sdk::Caller call(cancel);
    auto resumed = exec.resume(call, container->id());
    if (!resumed && resumed.error().code != Code::conflict)
        return resumed;  // it has ended: so be it
    if (TRY(change_running(container, [](State& state) { state.paused = false; })))
        publish(*container, "unpause");
    return {};
}

}  // namespace davit::container
