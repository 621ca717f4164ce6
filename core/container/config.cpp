// SPDX-License-Identifier: Apache-2.0
#include "core/container/config.hpp"

#include "core/container/create_fields.hpp"
#include "core/container/host_fields.hpp"
#include "core/container/networking.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

// Docker takes both a string and a list for Cmd and Entrypoint.
Result<std::vector<std::string>> words(const bj::object& object, std::string_view key) {
    const bj::value* found = json::find(object, key);
    if (found != nullptr && found->is_string())
        return std::vector<std::string>{std::string(found->get_string())};
    return json::get_strings(object, key);
}

std::string_view variable_name(std::string_view setting) {
    return setting.substr(0, setting.find('='));
}

// The image's variables first, so that the user's win; order as Docker's: image, then user.
// The user's first, as inspect shows them with docker.
std::vector<std::string> merge_environment(const std::vector<std::string>& image,
                                           const std::vector<std::string>& user) {
    std::vector<std::string> merged;
    const auto find = [&](const std::string& setting) {
        return std::find_if(merged.begin(), merged.end(), [&](const std::string& known) {
            return variable_name(known) == variable_name(setting);
        });
    };
    for (const std::string& setting : user)
        if (const auto same = find(setting); same != merged.end())
            *same = setting;
        else
            merged.push_back(setting);
    for (const std::string& setting : image)
        if (find(setting) == merged.end()) merged.push_back(setting);
    std::erase_if(
        merged, [](const std::string& setting) { return setting.find('=') == std::string::npos; });
    return merged;
}

bj::array array_of(const std::vector<std::string>& strings) {
    return bj::array(strings.begin(), strings.end());
}

void take_if_empty(bj::object& config, const bj::object& image, std::string_view key) {
    const bj::value* theirs = json::find(image, key);
    if (theirs != nullptr && (!config.contains(key) || says_nothing(config[key])))
        config[key] = *theirs;
}

void add_missing_members(bj::object& config, const bj::object& image, std::string_view key) {
    const bj::value* theirs = json::find(image, key);
    if (theirs == nullptr || !theirs->is_object()) return;
    bj::object merged = theirs->get_object();
    if (const bj::value* ours = json::find(config, key); ours != nullptr && ours->is_object())
        for (const auto& [name, value] : ours->get_object()) merged[name] = value;
    config[key] = std::move(merged);
}

// Command and entrypoint belong together: a container with its own entrypoint does not get the
// image's command.
Result<void> merge_command(bj::object& config, const bj::object& image) {
    auto entrypoint = TRY(words(config, "Entrypoint"));
    auto command = TRY(words(config, "Cmd"));
    const bool reset = entrypoint.size() == 1 && entrypoint[0].empty();  // --entrypoint ""
    const bool own = json::find(config, "Entrypoint") != nullptr && !entrypoint.empty();
    if (reset) entrypoint.clear();
    if (!own) {
        if (command.empty()) command = TRY(words(image, "Cmd"));
        entrypoint = TRY(words(image, "Entrypoint"));
    }
    config["Entrypoint"] =
        entrypoint.empty() ? bj::value(nullptr) : bj::value(array_of(entrypoint));
    config["Cmd"] = command.empty() ? bj::value(nullptr) : bj::value(array_of(command));
    return {};
}

Result<void> merge_image(bj::object& config, const bj::object& image) {
    config["Env"] = array_of(merge_environment(TRY(json::get_strings(image, "Env")),
                                               TRY(json::get_strings(config, "Env"))));
    TRY(merge_command(config, image));
    for (std::string_view key : {"User", "WorkingDir", "StopSignal", "Shell"})
        take_if_empty(config, image, key);
    for (std::string_view key : {"ExposedPorts", "Labels", "Volumes"})
        add_missing_members(config, image, key);
    merge_health(config, image);
    return {};
}

std::vector<std::string> member_names(const bj::object& object, std::string_view key) {
    std::vector<std::string> names;
    const bj::value* found = json::find(object, key);
    if (found != nullptr && found->is_object())
        for (const auto& member : found->get_object()) names.emplace_back(member.key());
    return names;
}

Result<void> read_process(const bj::object& object, Config& config) {
    config.image = TRY(json::get_string(object, "Image", ""));
    config.hostname = TRY(json::get_string(object, "Hostname", ""));
    config.domainname = TRY(json::get_string(object, "Domainname", ""));
    config.user = TRY(json::get_string(object, "User", ""));
    config.working_dir = TRY(json::get_string(object, "WorkingDir", ""));
    config.stop_signal = TRY(json::get_string(object, "StopSignal", ""));
    config.entrypoint = TRY(words(object, "Entrypoint"));
    config.command = TRY(words(object, "Cmd"));
    config.environment = TRY(json::get_strings(object, "Env"));
    config.exposed_ports = member_names(object, "ExposedPorts");
    config.labels = TRY(string_map(object, "Labels"));
    config.tty = TRY(json::get_bool(object, "Tty", false));
    config.open_stdin = TRY(json::get_bool(object, "OpenStdin", false));
    config.stdin_once = TRY(json::get_bool(object, "StdinOnce", false));
    if (const auto timeout = TRY(json::get_int(object, "StopTimeout")))
        config.stop_timeout = static_cast<int>(*timeout);
    config.health = TRY(read_health(object));
    return {};
}

Result<void> validate(const Config& config) {
    if (!config.working_dir.empty() && config.working_dir[0] != '/')
        return fail(Code::invalid, "create container: the working directory '", config.working_dir,
                    "' is invalid, it needs to be an absolute path");
    constexpr std::size_t kHostNameMax = 63;  // what docker accepts; sethostname(2) takes 64 bytes
    if (config.hostname.size() > kHostNameMax)
        return fail(Code::invalid, "create container: invalid hostname format: ", config.hostname);
    return {};
}

Result<Config> read_config(const bj::object& config_json, const bj::object& host_json) {
    Config config;
    TRY(read_process(config_json, config));
    TRY(read_host_fields(host_json, config));
    return config;
}

// The user's values over the defaults; null means "not given".
bj::object overlay(bj::object defaults, const bj::object& given) {
    for (const auto& [key, value] : given)
        if (!value.is_null()) defaults[key] = value;
    return defaults;
}

}  // namespace

Result<std::string> image_of_create_body(std::string_view body) {
    const bj::object object = TRY(json::parse_object(body, "create body"));
    std::string image = TRY(json::get_string(object, "Image", ""));
    if (image.empty()) return fail(Code::invalid, "create container: no image specified");
    return image;
}

Result<std::string> storage_of_create_body(std::string_view body) {
    const bj::object object = TRY(json::parse_object(body, "create body"));
    const auto* host = TRY(json::get_object(object, "HostConfig"));
    const auto* options = host == nullptr ? nullptr : TRY(json::get_object(*host, "StorageOpt"));
    if (options == nullptr) return std::string();
    return json::get_string(*options, "instance", "");
}

Result<Parsed> parse_create_body(std::string_view body, const CreateDefaults& defaults) {
    bj::object given = TRY(json::parse_object(body, "create body"));
    TRY(refuse_unbuilt(given));
    bj::object host_given;
    if (const auto* host = TRY(json::get_object(given, "HostConfig"))) host_given = *host;
    TRY(fill_log(host_given, defaults));
    given.erase("HostConfig");

    bj::object config_json = overlay(default_config(), given);
    bj::object host_json = overlay(default_host_config(), host_given);
    Parsed parsed;
    if (!defaults.image_config.empty())
        TRY(merge_image(config_json,
                        TRY(json::parse_object(defaults.image_config, "image config"))));
    TRY(normalise_host_fields(host_json));
    if (says_nothing(config_json["Hostname"])) config_json["Hostname"] = defaults.hostname;
    if (says_nothing(host_json["Runtime"])) host_json["Runtime"] = defaults.exec_instance;
    parsed.config = TRY(read_config(config_json, host_json));
    parsed.networks = TRY(read_networking(config_json, parsed.config.network_mode));
    config_json.erase("NetworkingConfig");
    config_json.erase("MacAddress");
    TRY(validate(parsed.config));
    if (parsed.config.entrypoint.empty() && parsed.config.command.empty())
        return fail(Code::invalid, "create container: no command specified");
    parsed.mounts = TRY(read_mounts(config_json, host_json));
    parsed.json = bj::serialize(
        bj::object{{"Config", std::move(config_json)}, {"HostConfig", std::move(host_json)}});
    return parsed;
}

void store_mounts(const std::vector<Mount>& mounts, std::string& json) {
    if (mounts.empty()) return;
    json.pop_back();  // the brace
    json += ",\"Mounts\":" + bj::serialize(stored_mounts(mounts)) + "}";
}

Result<Config> parse_stored(std::string_view text) {
    const bj::object object = TRY(json::parse_object(text, "stored container"));
    const auto* config_json = TRY(json::get_object(object, "Config"));
    const auto* host_json = TRY(json::get_object(object, "HostConfig"));
    if (config_json == nullptr || host_json == nullptr)
        return fail(Code::corrupt, "read stored container: Config or HostConfig is missing");
    Config config = TRY(read_config(*config_json, *host_json));
    if (const auto* mounts = TRY(json::get_array(object, "Mounts")))
        config.mounts = TRY(read_stored_mounts(*mounts));
    return config;
}

}  // namespace davit::container
