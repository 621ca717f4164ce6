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

void Containers::publish(const Container& container, const std::string& action,
                         std::map<std::string, std::string> more) const {
    event::Event event{.type = "container", .action = action, .id = container.id()};
    event.attributes = container.config().labels;
    event.attributes["image"] = container.record().image_reference;
    event.attributes["name"] = container.name();
    event.attributes.merge(more);
    services_.events.publish(std::move(event));
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
