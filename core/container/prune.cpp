// SPDX-License-Identifier: Apache-2.0
#include "core/container/containers.hpp"

namespace davit::container {

Result<Pruned> Containers::prune(Cancel& cancel,
                                 const std::function<bool(const Container&)>& wanted) {
    Pruned pruned;
    for (const ContainerPtr& container : list()) {
        TRY(cancel.check("prune containers"));
        const ContainerLock lock = container->operate();
        const State state = container->state();
        if (state.status == Status::running || state.status == Status::removed || state.restarting)
            continue;
        if (!wanted(*container)) continue;
        sdk::Caller call;
        const auto storage = services_.storage(container->record().storage_instance);
        const auto space = storage ? storage->usage(call, container->id())
                                   : Result<plugin::Space>(plugin::Space{});
        if (auto removed = remove_locked(container, lock); !removed)
            return std::move(removed).error();
        pruned.ids.push_back(container->id());
        if (space) pruned.bytes += space->bytes;
    }
    event::Event event{.type = "container", .action = "prune", .id = ""};
    event.attributes["reclaimed"] = std::to_string(pruned.bytes);
    services_.events.publish(std::move(event));
    return pruned;
}

}  // namespace davit::container
