// SPDX-License-Identifier: Apache-2.0
// What the engine answers, in the form that older clients know.
#include "plugins/docker-api/version.hpp"
#include "plugins/docker-api/version_edits.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace davit::docker_api::edits {

namespace json = boost::json;

namespace {

constexpr std::size_t kShortId = 12;

std::string_view text_in(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : "";
}

}  // namespace

json::object* object_in(Value& value, std::string_view name) {
    json::value* const member = value.is_object() ? value.get_object().if_contains(name) : nullptr;
    return member == nullptr ? nullptr : member->if_object();
}

json::array* array_in(Value& value, std::string_view name) {
    json::value* const member = value.is_object() ? value.get_object().if_contains(name) : nullptr;
    return member == nullptr ? nullptr : member->if_array();
}

void forget(Value& value, std::string_view path) {
    const std::string_view step = path.substr(0, path.find('.'));
    const std::string_view rest = path.substr(std::min(step.size() + 1, path.size()));
    if (step == "*" && value.is_array()) {
        for (Value& element : value.get_array()) forget(element, rest);
    } else if (step == "*" && value.is_object()) {
        for (auto& member : value.get_object()) forget(member.value(), rest);
    } else if (value.is_object() && rest.empty()) {
        value.get_object().erase(step);
    } else if (value.is_object()) {
        if (Value* const member = value.get_object().if_contains(step)) forget(*member, rest);
    }
}

// Which versions are spoken is this plugin's to say, not the engine's.
Result<void> set_version_range(Value& version) {
    if (!version.is_object()) return {};
    const auto set = [](json::object& object) {
        object["ApiVersion"] = kCurrentVersion.text();
        object["MinAPIVersion"] = kOldestVersion.text();
    };
    set(version.get_object());
    json::array* const components = array_in(version, "Components");
    if (components == nullptr) return {};
    for (Value& component : *components) {
        json::object* const details = object_in(component, "Details");
        if (details != nullptr && details->contains("ApiVersion")) set(*details);
    }
    return {};
}

Result<void> add_container_fields(Value& image) {
    json::object* const config = object_in(image, "Config");
    if (config == nullptr) return {};
    for (const std::string_view name : {"Hostname", "Domainname", "Image"})
        config->emplace(name, "");
    for (const std::string_view name :
         {"AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"})
        config->emplace(name, false);
    return {};
}

Result<void> add_build_container(Value& image) {
    if (!image.is_object()) return {};
    image.get_object().emplace("Container", "");
    image.get_object().emplace("ContainerConfig", json::object{});
    return {};
}

Result<void> add_virtual_size(Value& image) {
    if (!image.is_object()) return {};
    if (const json::value* const size = image.get_object().if_contains("Size"))
        image.get_object()["VirtualSize"] = json::value(*size);
    return {};
}

Result<void> add_virtual_sizes(Value& images) {
    if (!images.is_array()) return {};
    for (Value& image : images.get_array()) TRY(add_virtual_size(image));
    return {};
}

Result<void> add_virtual_sizes_of_usage(Value& usage) {
    if (json::array* const images = array_in(usage, "Images"))
        for (Value& image : *images) TRY(add_virtual_size(image));
    return {};
}

Result<void> add_builder_size(Value& usage) {
    if (usage.is_object()) usage.get_object().emplace("BuilderSize", 0);
    return {};
}

Result<void> add_short_id_aliases(Value& container) {
    json::object* const settings = object_in(container, "NetworkSettings");
    json::value* const networks = settings == nullptr ? nullptr : settings->if_contains("Networks");
    if (networks == nullptr || !networks->is_object()) return {};
    const std::string id(text_in(container.get_object(), "Id").substr(0, kShortId));
    for (auto& network : networks->get_object()) {
        const std::string_view name = network.key();
        if (name == "bridge" || name == "host" || name == "none" || !network.value().is_object())
            continue;
        Value& aliases = network.value().get_object()["Aliases"];
        if (!aliases.is_array()) aliases = json::array{};
        json::array& names = aliases.get_array();
        if (std::find(names.begin(), names.end(), Value(id)) == names.end())
            names.push_back(Value(id));
    }
    return {};
}

Result<void> say_exited_while_removing(Value& container) {
    json::object* const state = object_in(container, "State");
    if (state != nullptr && text_in(*state, "Status") == "removing") (*state)["Status"] = "exited";
    return {};
}

Result<void> add_bridge_filters(Value& info) {
    if (!info.is_object()) return {};
    info.get_object().emplace("BridgeNfIptables", false);
    info.get_object().emplace("BridgeNfIp6tables", false);
    return {};
}

Result<void> add_nondistributable(Value& info) {
    json::object* const registries = object_in(info, "RegistryConfig");
    if (registries == nullptr) return {};
    registries->emplace("AllowNondistributableArtifactsCIDRs", nullptr);
    registries->emplace("AllowNondistributableArtifactsHostnames", nullptr);
    return {};
}

Result<void> name_unknown_system(Value& info) {
    if (!info.is_object()) return {};
    for (const std::string_view name : {"KernelVersion", "OperatingSystem"})
        if (text_in(info.get_object(), name).empty()) info.get_object()[name] = "<unknown>";
    return {};
}

// "name=seccomp,profile=builtin" → "seccomp".
Result<void> flatten_security_options(Value& info) {
    json::array* const options = array_in(info, "SecurityOptions");
    if (options == nullptr) return {};
    for (Value& option : *options) {
        if (!option.is_string()) continue;
        std::string_view text = option.get_string();
        if (text.starts_with("name=")) text.remove_prefix(5);
        const std::string name(text.substr(0, text.find(',')));
        option = json::string(name);
    }
    info.get_object()["ExecutionDriver"] = "<not supported>";
    return {};
}

}  // namespace davit::docker_api::edits
