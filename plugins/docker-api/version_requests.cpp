// SPDX-License-Identifier: Apache-2.0
// What older clients ask for, in the current version's form.
#include "plugins/docker-api/version_edits.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>
#include <optional>
#include <string>

namespace davit::docker_api::edits {

namespace json = boost::json;

namespace {

// The filters of `args`, decoded; none when the client's are no object: the engine says so.
std::optional<json::object> filters_of(const json::object& args) {
    const json::value* const given = args.if_contains("filters");
    if (given == nullptr || !given->is_string() || given->get_string().empty())
        return json::object{};
    Result<json::object> filters = davit::json::parse_object(given->get_string(), "filters");
    if (!filters) return std::nullopt;
    return std::move(*filters);
}

json::object* endpoints_of(Value& create) {
    json::object* const networking = object_in(create, "NetworkingConfig");
    json::value* const all =
        networking == nullptr ? nullptr : networking->if_contains("EndpointsConfig");
    return all == nullptr || !all->is_object() ? nullptr : &all->get_object();
}

// Calls `each` with the type and the object of every entry of HostConfig.Mounts.
template <typename Each>
Result<void> for_each_mount(Value& create, Each each) {
    json::object* const host = object_in(create, "HostConfig");
    json::value* const mounts = host == nullptr ? nullptr : host->if_contains("Mounts");
    if (mounts == nullptr || !mounts->is_array()) return {};
    for (Value& mount : mounts->get_array()) {
        if (!mount.is_object()) continue;
        const json::value* const type = mount.get_object().if_contains("Type");
        const std::string_view name =
            type != nullptr && type->is_string() ? std::string_view(type->get_string()) : "";
        TRY(each(name, mount));
    }
    return {};
}

// The network that a container joins first: the key under which its endpoint's settings belong.
std::string first_network(Value& create) {
    const json::object* const host = object_in(create, "HostConfig");
    const json::value* const mode = host == nullptr ? nullptr : host->if_contains("NetworkMode");
    if (mode == nullptr || !mode->is_string() || mode->get_string().empty() ||
        mode->get_string() == "default")
        return "bridge";
    return std::string(mode->get_string());
}

}  // namespace

Result<void> prune_all_volumes(Value& args) {
    std::optional<json::object> filters = filters_of(args.as_object());
    if (!filters) return {};
    if (!filters->contains("all")) (*filters)["all"] = json::array{"true"};
    args.as_object()["filters"] = json::serialize(*filters);
    return {};
}

Result<void> filter_by_reference(Value& args) {
    json::object& object = args.as_object();
    const json::value* const name = object.if_contains("filter");
    if (name == nullptr || !name->is_string()) return {};
    std::optional<json::object> filters = filters_of(object);
    if (!filters) return {};
    (*filters)["reference"] = json::array{name->get_string()};
    object["filters"] = json::serialize(*filters);
    object.erase("filter");
    return {};
}

Result<void> refuse_many_endpoints(Value& create) {
    const json::object* const endpoints = endpoints_of(create);
    if (endpoints == nullptr || endpoints->size() < 2) return {};
    std::string names;
    for (const auto& endpoint : *endpoints)
        names.append(names.empty() ? "" : ", ").append(std::string_view(endpoint.key()));
    return fail(Code::invalid,
                "Container cannot be created with multiple network endpoints: ", names);
}

Result<void> refuse_read_only_force_recursive(Value& create) {
    return for_each_mount(create, [](std::string_view, Value& mount) -> Result<void> {
        const json::object* const options = object_in(mount, "BindOptions");
        const json::value* const asked =
            options == nullptr ? nullptr : options->if_contains("ReadOnlyForceRecursive");
        if (asked == nullptr || !asked->is_bool() || !asked->get_bool()) return {};
        return fail(Code::invalid, "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
    });
}

Result<void> refuse_subpath(Value& create) {
    return for_each_mount(create, [](std::string_view, Value& mount) -> Result<void> {
        const json::object* const options = object_in(mount, "VolumeOptions");
        const json::value* const path =
            options == nullptr ? nullptr : options->if_contains("Subpath");
        if (path == nullptr || !path->is_string() || path->get_string().empty()) return {};
        return fail(Code::invalid, "VolumeOptions.Subpath needs API v1.45 or newer");
    });
}

Result<void> forget_options_of_other_mounts(Value& create) {
    return for_each_mount(create, [](std::string_view type, Value& mount) -> Result<void> {
        if (type != "volume") mount.get_object().erase("VolumeOptions");
        if (type != "tmpfs") mount.get_object().erase("TmpfsOptions");
        return {};
    });
}

Result<void> forget_endpoint_mac(Value& create) {
    forget(create, "NetworkingConfig.EndpointsConfig.*.MacAddress");
    return {};
}

Result<void> move_mac_to_endpoint(Value& create) {
    if (!create.is_object()) return {};
    json::object& body = create.get_object();
    const json::value* const given = body.if_contains("MacAddress");
    if (given == nullptr || !given->is_string() || given->get_string().empty()) return {};
    const json::string mac = given->get_string();
    body.erase("MacAddress");
    if (object_in(create, "NetworkingConfig") == nullptr) body["NetworkingConfig"] = json::object{};
    if (endpoints_of(create) == nullptr)
        body["NetworkingConfig"].get_object()["EndpointsConfig"] = json::object{};
    json::object& endpoints = *endpoints_of(create);
    Value& endpoint =
        endpoints.size() == 1 ? endpoints.begin()->value() : endpoints[first_network(create)];
    if (!endpoint.is_object()) endpoint = json::object{};
    const json::value* const own = endpoint.get_object().if_contains("MacAddress");
    if (own != nullptr && own->is_string() && !own->get_string().empty() &&
        own->get_string() != mac)
        return fail(Code::invalid,
                    "the container-wide MAC address must match the endpoint-specific MAC address "
                    "for the main network, or be left empty");
    endpoint.get_object()["MacAddress"] = mac;
    return {};
}

}  // namespace davit::docker_api::edits
