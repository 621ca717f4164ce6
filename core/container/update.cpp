// SPDX-License-Identifier: Apache-2.0
// Changing limits and restart policy of a container that may run.
#include "core/container/containers.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

Result<void> overlay_policy(bj::object& host, const bj::object& update) {
    const auto* policy = TRY(json::get_object(update, "RestartPolicy"));
    if (policy == nullptr || TRY(json::get_string(*policy, "Name", "")).empty()) return {};
    if (TRY(json::get_bool(host, "AutoRemove", false)))
        return fail(Code::invalid,
                    "Restart policy cannot be updated because AutoRemove is enabled for the "
                    "container");
    bj::object whole{{"Name", "no"}, {"MaximumRetryCount", 0}};
    for (const auto& [name, value] : *policy)
        if (!value.is_null()) whole[name] = value;
    host["RestartPolicy"] = std::move(whole);
    return {};
}

Result<Adjustable> adjusted(const std::string& document, std::string_view body) {
    const bj::object update = TRY(json::parse_object(body, "update body"));
    bj::object whole = TRY(json::parse_object(document, "stored container"));
    bj::object& host = whole["HostConfig"].as_object();
    TRY(overlay_resources(host, update));
    TRY(overlay_policy(host, update));
    Adjustable next{.resources = TRY(read_resources(host)),
                    .restart = TRY(read_restart_policy(host)),
                    .document = {}};
    next.document = bj::serialize(whole);
    return next;
}

// What the kernel is told: an absent limit would leave the old one in force.
Result<std::string> changed_limits(const Resources& before, const Resources& after) {
    bj::object spec = TRY(resources_spec(after));
    if (before.pids_limit > 0 && after.pids_limit <= 0) spec["pids"] = bj::object{{"limit", -1}};
    return bj::serialize(spec);
}

}  // namespace

Result<void> Containers::adjust(const std::shared_ptr<Cancel>& cancel,
                                const ContainerPtr& container, std::string_view body) {
    const ContainerLock lock = container->operate();
    const State state = container->state();
    if (state.status == Status::removed)
        return fail(Code::conflict, "Container is marked for removal and cannot be \"update\".");
    Adjustable next = TRY(adjusted(container->document(), body));
    if (state.status == Status::running) {
        const plugin::Exec exec = TRY(services_.exec(container->record().exec_instance));
        const std::string limits = TRY(changed_limits(container->resources(), next.resources));
        sdk::Caller call(cancel);
        auto updated = exec.update(call, container->id(), limits);
        if (!updated && updated.error().code != Code::not_found)  // else it has just ended
            return std::move(updated).error().context("Cannot update container ", container->id());
    }
    TRY(rewrite(services_.graph, container->id(), next.document));
    container->adjust(std::move(next));
    publish(*container, "update");
    return {};
}

}  // namespace davit::container
