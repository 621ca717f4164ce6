// SPDX-License-Identifier: Apache-2.0
#include "core/container/containers.hpp"

#include <algorithm>
#include <utility>

namespace davit::container {

void Containers::add(const ContainerPtr& container) {
    std::lock_guard lock(mutex_);
    by_id_.emplace(container->id(), container);
}

void Containers::forget(const ContainerPtr& container) {
    std::lock_guard lock(mutex_);
    by_id_.erase(container->id());
}

// Docker's order: a full id, a name, the beginning of an id.
Result<ContainerPtr> Containers::find(const std::string& reference) const {
    const std::string wanted = reference.starts_with('/') ? reference.substr(1) : reference;
    std::lock_guard lock(mutex_);
    if (const auto exact = by_id_.find(wanted); exact != by_id_.end()) return exact->second;
    for (const auto& [id, container] : by_id_)
        if (container->name() == wanted) return container;
    const auto first = by_id_.lower_bound(wanted);
    if (wanted.empty() || first == by_id_.end() || !first->first.starts_with(wanted))
        return fail(Code::not_found, "No such container: ", reference);
    if (const auto next = std::next(first); next != by_id_.end() && next->first.starts_with(wanted))
        return fail(Code::invalid, "multiple IDs found with provided prefix: ", reference);
    return first->second;
}

std::vector<ContainerPtr> Containers::list() const {
    std::vector<ContainerPtr> all;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, container] : by_id_) all.push_back(container);
    }
    std::sort(all.begin(), all.end(), [](const ContainerPtr& a, const ContainerPtr& b) {
        return a->record().created_ns > b->record().created_ns;
    });
    return all;
}

std::string hostname_of(const Container& container) {
    constexpr std::size_t kShortId = 12;
    const std::string& own = container.config().hostname;
    return own.empty() ? container.id().substr(0, kShortId) : own;
}

void Containers::publish(const Container& container, const std::string& action,
                         std::map<std::string, std::string> more) const {
    event::Event event{.type = "container", .action = action, .id = container.id()};
    event.attributes = container.config().labels;
    event.attributes["image"] = container.record().image_reference;
    event.attributes["name"] = container.name();
    event.attributes.merge(more);
    services_.events.publish(std::move(event));
}

Result<bool> Containers::change_running(const ContainerPtr& container,
                                        const std::function<void(State&)>& change) {
    const ContainerLock writing = container->write();
    State state = container->state();
    if (state.status != Status::running) return false;
    change(state);
    TRY(update(services_.graph, container->id(), state));
    container->change(change);
    return true;
}

Result<void> Containers::rename(const ContainerPtr& container, std::string name) {
    const std::string before = container->name();
    if (name.empty()) return fail(Code::invalid, "Neither old nor new names may be empty");
    name = TRY(checked_name(std::move(name)));
    const ContainerLock lock = container->operate();
    if (container->state().status == Status::removed)
        return fail(Code::conflict, "rename container ", container->id(), ": it is being removed");
    if (name == before)
        return fail(Code::invalid, "Renaming a container with the same name as its current name");
    auto renamed = container::rename(services_.graph, container->id(), name);
    if (!renamed)
        return renamed.error().code == Code::conflict ? name_conflict(name)
                                                      : std::move(renamed).error();
    container->rename(std::move(name));
    publish(*container, "rename", {{"oldName", "/" + before}});
    return {};
}

Result<void> check_responsive(const Container& container, std::string_view doing) {
    const State state = container.state();
    if (state.restarting)
        return fail(Code::conflict, "Container ", container.id(),
                    " is restarting, wait until the container is running");
    if (state.status != Status::running)
        return fail(Code::conflict, "container ", container.id(), " is not running");
    if (state.paused)
        return fail(Code::conflict, "container ", container.id(),
                    " is paused, unpause the container before ", doing);
    return {};
}

Result<void> Containers::resize(const ContainerPtr& container, const std::string& session,
                                plugin::Exec::Window window) {
    if (container->state().status != Status::running)
        return fail(Code::conflict, "resize container ", container->id(), ": it is not running");
    const plugin::Exec exec = TRY(services_.exec(container->record().exec_instance));
    sdk::Caller call;
    return exec.resize(call, container->id(), session, window);
}

}  // namespace davit::container
