// SPDX-License-Identifier: Apache-2.0
// What differs between API versions, one step each. The engine speaks kCurrentVersion; a step holds
// for every client older than its version. Fields that a newer version only added stay in the
// answers: older clients pass over them.
#include "plugins/docker-api/version.hpp"
#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <span>

namespace davit::docker_api {

namespace json = boost::json;

namespace {

struct Step {
    Version before;
    std::string_view operation;
    void (*apply)(json::value&);
};

// Until 1.41 a prune took named volumes as well as anonymous ones.
void prune_all_volumes(json::value& args) {
    json::object& object = args.as_object();
    const json::value* const given = object.if_contains("filters");
    const bool has_filters = given != nullptr && given->is_string() && !given->get_string().empty();
    Result<json::object> filters =
        has_filters ? davit::json::parse_object(given->get_string(), "filters") : json::object{};
    if (!filters) return;  // the engine tells the client
    if (!filters->contains("all")) (*filters)["all"] = json::array{"true"};
    object["filters"] = json::serialize(*filters);
}

// Until 1.41 clients sent their own terminal's size with a create, for Windows only.
void forget_console_size(json::value& body) {
    if (!body.is_object()) return;
    json::value* const host = body.get_object().if_contains("HostConfig");
    if (host != nullptr && host->is_object()) host->get_object().erase("ConsoleSize");
}

// Until 1.43 a client had to ask that network names be unique; now they always are.
void forget_check_duplicate(json::value& body) {
    if (body.is_object()) body.get_object().erase("CheckDuplicate");
}

// Until 1.43 an image had two sizes, of late the same number.
void add_virtual_size(json::value& image) {
    if (!image.is_object()) return;
    if (const json::value* const size = image.get_object().if_contains("Size"))
        image.get_object()["VirtualSize"] = json::value(*size);
}

void add_virtual_sizes(json::value& images) {
    if (!images.is_array()) return;
    for (json::value& image : images.get_array()) add_virtual_size(image);
}

void add_virtual_sizes_of_usage(json::value& usage) {
    if (!usage.is_object()) return;
    if (json::value* const images = usage.get_object().if_contains("Images"))
        add_virtual_sizes(*images);
}

void add_builder_size(json::value& usage) {
    if (usage.is_object() && !usage.get_object().contains("BuilderSize"))
        usage.get_object()["BuilderSize"] = 0;
}

// Until 1.44 an image told which container it had been committed from.
void add_build_container(json::value& image) {
    if (!image.is_object()) return;
    image.get_object().emplace("Container", "");
    image.get_object().emplace("ContainerConfig", json::object{});
}

// Until 1.49 an image's Config carried a container's fields, which mean nothing there.
void add_container_fields(json::value& image) {
    if (!image.is_object()) return;
    json::value* const config = image.get_object().if_contains("Config");
    if (config == nullptr || !config->is_object()) return;
    for (const std::string_view name : {"Hostname", "Domainname", "Image"})
        config->get_object().emplace(name, "");
    for (const std::string_view name :
         {"AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"})
        config->get_object().emplace(name, false);
}

// Which versions are spoken is this plugin's to say, not the engine's.
void set_version_range(json::value& version) {
    if (!version.is_object()) return;
    const auto set = [](json::object& object) {
        object["ApiVersion"] = kCurrentVersion.text();
        object["MinAPIVersion"] = kOldestVersion.text();
    };
    set(version.get_object());
    json::value* const components = version.get_object().if_contains("Components");
    if (components == nullptr || !components->is_array()) return;
    for (json::value& component : components->get_array()) {
        if (!component.is_object()) continue;
        json::value* const details = component.get_object().if_contains("Details");
        if (details != nullptr && details->is_object() &&
            details->get_object().contains("ApiVersion"))
            set(details->get_object());
    }
}

constexpr Version kEvery{~0u, 0};

constexpr Step kArgs[] = {{{1, 42}, "volume.prune", prune_all_volumes}};
constexpr Step kBodies[] = {{{1, 42}, "container.create", forget_console_size},
                            {{1, 44}, "network.create", forget_check_duplicate}};
constexpr Step kAnswers[] = {{kEvery, "system.version", set_version_range},
                             {{1, 50}, "image.inspect", add_container_fields},
                             {{1, 45}, "image.inspect", add_build_container},
                             {{1, 44}, "image.inspect", add_virtual_size},
                             {{1, 44}, "image.list", add_virtual_sizes},
                             {{1, 44}, "system.df", add_virtual_sizes_of_usage},
                             {{1, 42}, "system.df", add_builder_size}};

// Parses only what a step changes.
void apply(std::span<const Step> steps, Version version, std::string_view operation,
           std::string& text) {
    const auto concerns = [&](const Step& step) {
        return version < step.before && operation == step.operation;
    };
    if (text.empty() || std::none_of(steps.begin(), steps.end(), concerns)) return;
    // An answer of the engine may be longer than what a client may send.
    Result<json::value> value = davit::json::parse(text, "body", {.bytes = text.size()});
    if (!value) return;
    for (const Step& step : steps)
        if (concerns(step)) step.apply(*value);
    text = json::serialize(*value);
}

}  // namespace

void to_current(Version version, std::string_view operation, EngineRequest& request) {
    apply(kArgs, version, operation, request.args);
    apply(kBodies, version, operation, request.body);
}

void from_current(Version version, std::string_view operation, std::string& answer) {
    apply(kAnswers, version, operation, answer);
}

}  // namespace davit::docker_api
