// SPDX-License-Identifier: Apache-2.0
#include "core/container/host_fields.hpp"

#include "core/container/byte_size.hpp"
#include "core/container/capabilities.hpp"
#include "core/container/create_fields.hpp"
#include "core/container/oci_devices.hpp"
#include "core/container/oci_spec.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr std::int64_t kDefaultShmSize = 64 << 20;

Error invalid(std::string_view what) { return fail(Code::invalid, "create container: ", what); }

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = text.find(separator, begin);
        parts.emplace_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) return parts;
        begin = end + 1;
    }
}

Result<std::uint16_t> read_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port > 65535)
        return invalid("invalid port specification: \"" + std::string(text) + "\"");
    return static_cast<std::uint16_t>(port);
}

// "8080", "8080-8090" or "" (any).
Result<void> read_host_ports(const std::string& text, PortBinding& binding) {
    if (text.empty()) return {};
    const auto ends = split(text, '-');
    binding.first = TRY(read_port(ends[0]));
    binding.last = ends.size() > 1 ? TRY(read_port(ends[1])) : binding.first;
    if (ends.size() > 2 || binding.last < binding.first)
        return invalid("invalid port specification: \"" + text + "\"");
    return {};
}

// "80/tcp".
Result<PortBinding> read_container_port(std::string_view text) {
    PortBinding binding;
    const auto parts = split(text, '/');
    binding.container_port = TRY(read_port(parts[0]));
    if (parts.size() > 1) binding.protocol = parts[1];
    if (binding.protocol != "tcp" && binding.protocol != "udp" && binding.protocol != "sctp")
        return invalid("invalid proto: " + binding.protocol);
    if (binding.container_port == 0)
        return invalid("invalid port specification: \"" + std::string(text) + "\"");
    return binding;
}

Result<void> read_ports(const bj::object& host, Config& config) {
    config.publish_all = TRY(json::get_bool(host, "PublishAllPorts", false));
    const auto* bindings = TRY(json::get_object(host, "PortBindings"));
    if (bindings == nullptr) return {};
    for (const auto& [port, list] : *bindings) {
        PortBinding binding = TRY(read_container_port({port.data(), port.size()}));
        if (list.is_null() || (list.is_array() && list.get_array().empty())) {
            config.ports.push_back(binding);
            continue;
        }
        if (!list.is_array())
            return invalid("HostConfig.PortBindings: expected a list for " + std::string(port));
        for (const bj::value& entry : list.get_array()) {
            if (!entry.is_object()) return invalid("HostConfig.PortBindings: expected objects");
            PortBinding one = binding;
            one.host_address = TRY(json::get_string(entry.get_object(), "HostIp", ""));
            TRY(read_host_ports(TRY(json::get_string(entry.get_object(), "HostPort", "")), one));
            config.ports.push_back(std::move(one));
        }
    }
    return {};
}

Result<void> read_security(const bj::object& host, Config& config) {
    config.privileged = TRY(json::get_bool(host, "Privileged", false));
    config.cap_add = TRY(json::get_strings(host, "CapAdd"));
    config.cap_drop = TRY(json::get_strings(host, "CapDrop"));
    for (const auto& [key, names] :
         {std::pair{"CapAdd", &config.cap_add}, std::pair{"CapDrop", &config.cap_drop}})
        for (const std::string& name : *names)
            if (!is_capability(name))
                return invalid(std::string("invalid ") + key + ": unknown capability: \"" + name +
                               "\"");
    config.group_add = TRY(json::get_strings(host, "GroupAdd"));
    bool bare_paths = false;
    for (const std::string& option : TRY(json::get_strings(host, "SecurityOpt"))) {
        const std::size_t at = option.find_first_of("=:");
        const std::string key = option.substr(0, at);
        const std::string value = at == std::string::npos ? "" : option.substr(at + 1);
        if (key == "no-new-privileges")
            config.no_new_privileges = value != "false";
        else if (key == "seccomp")
            config.seccomp = value == "builtin" ? "" : value;
        else if (key == "label")
            continue;  // means nothing without SELinux (seams rule 9)
        else if (key == "apparmor" && value == "unconfined")
            continue;
        else if (key == "systempaths" && value == "unconfined")
            bare_paths = true;
        else
            return invalid("invalid --security-opt: \"" + option + "\"");
    }
    if (const auto* masked = TRY(json::get_array(host, "MaskedPaths")); masked != nullptr)
        config.masked_paths = TRY(json::get_strings(host, "MaskedPaths"));
    if (const auto* read_only = TRY(json::get_array(host, "ReadonlyPaths")); read_only != nullptr)
        config.read_only_paths = TRY(json::get_strings(host, "ReadonlyPaths"));
    if (bare_paths) {
        config.masked_paths.emplace();
        config.read_only_paths.emplace();
    }
    return {};
}

Result<void> read_devices(const bj::object& host, Config& config) {
    const auto* devices = TRY(json::get_array(host, "Devices"));
    if (devices == nullptr) return {};
    for (const bj::value& value : *devices) {
        if (!value.is_object()) return invalid("HostConfig.Devices: expected objects");
        const bj::object& object = value.get_object();
        Device device{.host_path = TRY(json::require_string(object, "PathOnHost")),
                      .container_path = TRY(json::get_string(object, "PathInContainer", "")),
                      .permissions = TRY(json::get_string(object, "CgroupPermissions", "rwm"))};
        if (device.container_path.empty()) device.container_path = device.host_path;
        if (device.permissions.empty()) device.permissions = "rwm";
        config.devices.push_back(std::move(device));
    }
    return {};
}

Result<void> read_ulimits(const bj::object& host, Config& config) {
    const auto* ulimits = TRY(json::get_array(host, "Ulimits"));
    if (ulimits == nullptr) return {};
    for (const bj::value& value : *ulimits) {
        if (!value.is_object()) return invalid("HostConfig.Ulimits: expected objects");
        const bj::object& object = value.get_object();
        Ulimit limit{.name = TRY(json::require_string(object, "Name")),
                     .soft = TRY(json::get_int(object, "Soft", 0)),
                     .hard = TRY(json::get_int(object, "Hard", 0))};
        if (limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard))
            return invalid("ulimit " + limit.name +
                           ": the soft limit must not exceed the hard limit");
        config.ulimits.push_back(std::move(limit));
    }
    return {};
}

Result<void> read_storage(const bj::object& host, Config& config) {
    for (const auto& [key, value] : TRY(string_map(host, "StorageOpt"))) {
        if (key == "instance") continue;  // storage_of_create_body
        if (key == "size")
            config.storage_bytes = TRY(read_bytes(value));
        else
            return fail(Code::unsupported, "create container: storage option \"", key,
                        "\" is not supported yet");
    }
    return {};
}

Result<void> read_rest(const bj::object& host, Config& config) {
    config.dns = TRY(json::get_strings(host, "Dns"));
    config.dns_search = TRY(json::get_strings(host, "DnsSearch"));
    config.dns_options = TRY(json::get_strings(host, "DnsOptions"));
    config.extra_hosts = TRY(json::get_strings(host, "ExtraHosts"));
    config.sysctls = TRY(string_map(host, "Sysctls"));
    TRY(check_sysctls(config.sysctls, config.namespaces, config.network_mode));
    config.annotations = TRY(string_map(host, "Annotations"));
    config.device_rules = TRY(json::get_strings(host, "DeviceCgroupRules"));
    for (const std::string& rule : config.device_rules) TRY(check_device_rule(rule));
    config.read_only_root = TRY(json::get_bool(host, "ReadonlyRootfs", false));
    config.init = TRY(json::get_bool(host, "Init", false));
    config.auto_remove = TRY(json::get_bool(host, "AutoRemove", false));
    config.restart = TRY(read_restart_policy(host));
    if (config.auto_remove && config.restart.kind != RestartPolicy::Kind::never)
        return fail(Code::invalid, "can't create 'AutoRemove' container with restart policy");
    config.oom_score_adj = static_cast<int>(TRY(json::get_int(host, "OomScoreAdj", 0)));
    if (config.oom_score_adj < -1000 || config.oom_score_adj > 1000)
        return invalid("invalid value " + std::to_string(config.oom_score_adj) +
                       ", range for oom score adj is [-1000, 1000]");
    config.shm_size = TRY(json::get_int(host, "ShmSize", kDefaultShmSize));
    if (config.shm_size < 0) return invalid("SHM size can not be less than 0");
    config.cgroup_parent = TRY(json::get_string(host, "CgroupParent", ""));
    config.exec_instance = TRY(json::get_string(host, "Runtime", ""));
    if (const auto* size = TRY(json::get_array(host, "ConsoleSize"));
        size != nullptr && size->size() == 2) {
        if (!(*size)[0].is_number() || !(*size)[1].is_number())
            return invalid("HostConfig.ConsoleSize: expected numbers");
        config.rows = (*size)[0].to_number<std::uint16_t>();
        config.columns = (*size)[1].to_number<std::uint16_t>();
    }
    return {};
}

void show_default(bj::object& host, std::string_view key, std::span<const char* const> paths) {
    if (json::find(host, key) == nullptr) host[key] = bj::array(paths.begin(), paths.end());
}

}  // namespace

Result<std::map<std::string, std::string>> string_map(const bj::object& object,
                                                      std::string_view key) {
    std::map<std::string, std::string> map;
    const auto* found = TRY(json::get_object(object, key));
    if (found == nullptr) return map;
    for (const auto& [name, value] : *found) {
        if (!value.is_string())
            return invalid(std::string(key) + "." + std::string(name) + ": expected a string");
        map.emplace(name, std::string(value.get_string()));
    }
    return map;
}

Result<void> fill_log(bj::object& host, const CreateDefaults& defaults) {
    std::string type;
    std::map<std::string, std::string> options;
    if (const auto* log = TRY(json::get_object(host, "LogConfig")); log != nullptr) {
        type = TRY(json::get_string(*log, "Type", ""));
        options = TRY(string_map(*log, "Config"));
    }
    if (type.empty()) type = defaults.log_driver;
    if (type == defaults.log_driver)
        options.insert(defaults.log_options.begin(), defaults.log_options.end());
    bj::object shown;
    for (const auto& [key, value] : options) shown.emplace(key, value);
    host["LogConfig"] = bj::object{{"Type", type}, {"Config", std::move(shown)}};
    return {};
}

Result<void> normalise_host_fields(bj::object& host) {
    const std::string network = TRY(json::get_string(host, "NetworkMode", ""));
    if (network.empty() || network == "default") host["NetworkMode"] = "bridge";
    if (TRY(json::get_int(host, "ShmSize", 0)) == 0) host["ShmSize"] = kDefaultShmSize;
    if (TRY(json::get_string(host, "IpcMode", "")).empty()) host["IpcMode"] = "private";
    if (TRY(json::get_string(host, "CgroupnsMode", "")).empty()) host["CgroupnsMode"] = "private";
    if (!TRY(json::get_bool(host, "Privileged", false))) {
        show_default(host, "MaskedPaths", default_masked_paths());
        show_default(host, "ReadonlyPaths", default_read_only_paths());
    }
    // Docker fills in a swap limit of twice the memory limit when none is given.
    const std::int64_t memory = TRY(json::get_int(host, "Memory", 0));
    if (memory > 0 && TRY(json::get_int(host, "MemorySwap", 0)) == 0)
        host["MemorySwap"] = memory * 2;
    if (TRY(json::get_int(host, "MemorySwappiness", -1)) == -1) host["MemorySwappiness"] = nullptr;
    if (TRY(json::get_int(host, "PidsLimit", 0)) <= 0) host["PidsLimit"] = nullptr;
    bj::object policy{{"Name", "no"}, {"MaximumRetryCount", 0}};
    if (const auto* given = TRY(json::get_object(host, "RestartPolicy")))
        for (const auto& [name, value] : *given)
            if (!says_nothing(value)) policy[name] = value;
    host["RestartPolicy"] = std::move(policy);
    return {};
}

Result<void> read_host_fields(const bj::object& host, Config& config) {
    TRY(read_ports(host, config));
    config.resources = TRY(read_resources(host));
    TRY(read_security(host, config));
    config.network_mode = TRY(json::get_string(host, "NetworkMode", "bridge"));
    config.namespaces = TRY(read_namespaces(host));
    TRY(read_devices(host, config));
    TRY(read_ulimits(host, config));
    config.log = TRY(read_log_options(host));
    TRY(read_storage(host, config));
    return read_rest(host, config);
}

}  // namespace davit::container
