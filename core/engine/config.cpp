// SPDX-License-Identifier: Apache-2.0
#include "core/engine/config.hpp"

#include "core/engine/config_source.hpp"
#include "core/plugin/schema.hpp"
#include "sdk/base/digest.hpp"
#include "sdk/base/json.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>

namespace davit::engine {
namespace {

constexpr std::array<const char*, 5> kKinds = {"storage", "network", "exec", "registry", "service"};

// Two spellings of one directory must not become two engines' worth of names.
std::string normal(const std::string& path) {
    auto plain = std::filesystem::path(path).lexically_normal().string();
    if (plain.size() > 1 && plain.back() == '/') plain.pop_back();
    return plain;
}

// "--storage-opt overlay.mount-api=auto" and "mount-api=auto" are the same; what looks like a
// number or a truth value is one, so that the driver's schema decides.
boost::json::value typed(const std::string& text) {
    if (text == "true" || text == "false") return text == "true";
    const bool digits =
        !text.empty() && text.size() < 19 &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits) return std::stoll(text);
    return boost::json::string(text);
}

Result<plugin::InstanceSettings> read_instance(const std::string& kind, const std::string& name,
                                               const boost::json::object& object) {
    plugin::InstanceSettings instance{.kind = kind, .name = name};
    instance.driver = TRY(json::get_string(object, "driver", ""));
    instance.isolation = TRY(json::get_string(object, "isolation", ""));
    instance.sha256 = TRY(json::get_string(object, "sha256", ""));
    if (const auto* config = TRY(json::get_object(object, "config")))
        instance.config = boost::json::serialize(*config);
    return instance;
}

Result<void> read_kind(const boost::json::object& settings, const std::string& kind,
                       Config& config) {
    const auto* section = TRY(json::get_object(settings, kind));
    if (section == nullptr) return {};
    if (auto name = TRY(json::get_string(*section, "default", "")); !name.empty())
        config.defaults[kind] = std::move(name);
    const auto* instances = TRY(json::get_object(*section, "instances"));
    if (instances == nullptr) return {};
    for (const auto& member : *instances) {
        auto instance = TRY(read_instance(kind, member.key(), member.value().as_object()));
        config.instances.push_back(std::move(instance));
    }
    return {};
}

// Docker's two keys become the default storage instance and its configuration.
Result<void> read_storage_driver(const boost::json::object& settings, Config& config) {
    const auto name = TRY(json::get_string(settings, "storage-driver", ""));
    const auto options = TRY(json::get_strings(settings, "storage-opts"));
    const auto configured = config.defaults.find("storage");
    if (!name.empty() && configured != config.defaults.end() && configured->second != name)
        return fail(Code::invalid, "configure storage: storage-driver is ", name,
                    ", storage.default is ", configured->second);
    if (!name.empty()) config.defaults["storage"] = name;
    if (options.empty()) return {};
    if (name.empty())
        return fail(Code::invalid, "configure storage: storage-opts needs storage-driver");
    const bool taken =
        std::any_of(config.instances.begin(), config.instances.end(),
                    [&](const auto& i) { return i.kind == "storage" && i.name == name; });
    if (taken)
        return fail(Code::invalid, "configure storage: instance ", name,
                    " has a config of its own; put storage-opts there");
    boost::json::object values;
    for (const auto& option : options) {
        auto key = option.substr(0, option.find('='));
        if (key.starts_with(name + ".")) key.erase(0, name.size() + 1);
        values[key] = typed(option.substr(option.find('=') + 1));
    }
    config.instances.push_back(
        {.kind = "storage", .name = name, .config = boost::json::serialize(values)});
    return {};
}

Result<void> read_registry(const boost::json::object& settings, Config& config) {
    if (auto hub = TRY(json::get_strings(settings, "registry-mirrors")); !hub.empty())
        config.mirrors["docker.io"] = std::move(hub);
    config.insecure_registries = TRY(json::get_strings(settings, "insecure-registries"));
    if (const auto* proxies = TRY(json::get_object(settings, "proxies")))
        for (const auto& proxy : *proxies)
            config.proxies[proxy.key()] = TRY(json::get_string(*proxies, proxy.key(), ""));
    const auto* registry = TRY(json::get_object(settings, "registry"));
    if (registry == nullptr) return {};
    config.credentials_file = TRY(json::get_string(*registry, "credentials", ""));
    const auto* mirrors = TRY(json::get_object(*registry, "mirrors"));
    if (mirrors == nullptr) return {};
    for (const auto& host : *mirrors) {
        const std::string name = host.key();
        if (config.mirrors.contains(name))
            return fail(Code::invalid,
                        "configure registry: registry-mirrors and registry.mirrors both name ",
                        name);
        config.mirrors[name] = TRY(json::get_strings(*mirrors, name));
    }
    return {};
}

Result<void> read_network(const boost::json::object& settings, Config& config) {
    config.bridge = TRY(json::get_string(settings, "bridge", ""));
    config.bip = TRY(json::get_string(settings, "bip", ""));
    config.mtu = static_cast<std::uint32_t>(TRY(json::get_int(settings, "mtu", 0)));
    const auto* pools = TRY(json::get_array(settings, "default-address-pools"));
    if (pools == nullptr) return {};
    for (const auto& pool : *pools) {
        const auto& object = pool.as_object();
        config.address_pools.push_back(
            {TRY(json::require_string(object, "base")),
             static_cast<std::uint32_t>(TRY(json::require_int(object, "size")))});
    }
    return {};
}

Result<void> read_logging(const boost::json::object& settings, Config& config) {
    config.log_level = TRY(json::get_string(settings, "log-level", config.log_level));
    if (TRY(json::get_bool(settings, "debug", false))) config.log_level = "debug";
    config.log_driver = TRY(json::get_string(settings, "log-driver", config.log_driver));
    const auto* options = TRY(json::get_object(settings, "log-opts"));
    if (options == nullptr) return {};
    for (const auto& option : *options)
        config.log_options[option.key()] = option.value().as_string().c_str();
    return {};
}

Result<void> read_paths(const boost::json::object& settings, Config& config) {
    config.data_root = normal(TRY(json::get_string(settings, "data-root", config.data_root)));
    config.exec_root = normal(TRY(json::get_string(settings, "exec-root", config.exec_root)));
    config.pidfile =
        normal(TRY(json::get_string(settings, "pidfile", config.exec_root + "/davitd.pid")));
    config.scope = scope_of(config.data_root);
    config.cgroup_parent =
        TRY(json::get_string(settings, "cgroup-parent", "/davit-" + config.scope));
    config.tls = TRY(read_tls(settings));
    config.hosts = TRY(read_hosts(settings, config.exec_root, config.tls.has_value()));
    config.driver_path = TRY(json::get_strings(settings, "driver-path"));
    return {};
}

// What every registry driver is told, under the names that their schemas share.
std::string registry_settings(const Config& config) {
    boost::json::object shared;
    if (!config.mirrors.empty()) {
        boost::json::object mirrors;
        for (const auto& [host, addresses] : config.mirrors)
            mirrors[host] = boost::json::array(addresses.begin(), addresses.end());
        shared["mirrors"] = std::move(mirrors);
    }
    if (const auto& hosts = config.insecure_registries; !hosts.empty())
        shared["insecure-registries"] = boost::json::array(hosts.begin(), hosts.end());
    if (!config.proxies.empty()) {
        boost::json::object proxies;
        for (const auto& [name, address] : config.proxies) proxies[name] = address;
        shared["proxies"] = std::move(proxies);
    }
    return boost::json::serialize(shared);
}

}  // namespace

std::string scope_of(const std::string& data_root) {
    constexpr std::size_t kDigits =
        8;  // seams: enough to tell the engines of one host apart, short enough for link names
    return Digest::of(data_root).hex().substr(0, kDigits);
}

Result<Config> make_config(const boost::json::object& settings) {
    Config config;
    TRY(read_paths(settings, config));
    TRY(read_logging(settings, config));
    TRY(read_network(settings, config));
    TRY(read_registry(settings, config));
    for (const auto* kind : kKinds) TRY(read_kind(settings, kind, config));
    TRY(read_storage_driver(settings, config));
    config.group = TRY(json::get_string(settings, "group", config.group));
    config.labels = TRY(json::get_strings(settings, "labels"));
    config.live_restore = TRY(json::get_bool(settings, "live-restore", config.live_restore));
    return config;
}

Result<Invocation> read_invocation(int argc, const char* const* argv) {
    const auto flags = TRY(parse_flags(argc, argv));
    Invocation invocation;
    if (flags.print) {
        invocation.action = Invocation::Action::print;
        invocation.text = *flags.print;
        return invocation;
    }
    TRY(check_flags(flags));
    const auto path = flags.config_file.empty() ? std::string(kConfigFile) : flags.config_file;
    auto file = read_config_file(path);
    const bool absent = !file && file.error().code == Code::not_found && flags.config_file.empty();
    if (!file && !absent) return std::move(file).error().context("configure davitd");
    auto settings = absent ? boost::json::object() : std::move(*file);
    TRY(check_conflicts(settings, flags, path));
    for (const auto& flag : *flags.settings) settings[flag.key()] = flag.value();

    invocation.config = TRY(make_config(settings));
    invocation.config.ready_fd = flags.ready_fd;
    if (!flags.validate) return invocation;
    invocation.action = Invocation::Action::validate;
    // Instances against the manifests of their drivers, as davitd would at its start; none is
    // opened.
    auto catalog = TRY(catalog_settings(invocation.config, {}));
    TRY(plugin::Catalog::create(std::move(catalog)).context("configure davitd"));
    return invocation;
}

Result<plugin::CatalogSettings> catalog_settings(const Config& config, plugin::DriverLog log) {
    plugin::CatalogSettings settings;
    settings.folders = TRY(plugin::driver_folders(config.driver_path));
    settings.instances = config.instances;
    settings.defaults = config.defaults;
    settings.scope = config.scope;
    settings.host.name = "davitd " DAVIT_VERSION;
    settings.host.log = std::move(log);
    settings.host.executables = std::make_shared<plugin::Executables>(TRY(plugin::own_folder()));
    settings.host.credentials_file = config.credentials_file;
    settings.shared["registry"] = registry_settings(config);
    settings.shared["service"] = service_settings(config);
    return settings;
}

}  // namespace davit::engine
